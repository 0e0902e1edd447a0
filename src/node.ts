// Node's half of host.ts: files, worker_threads, emitter ports.
//
// node: modules are imported when first needed and by a name in a variable, so that
// bundlers for the browser neither follow nor replace them.
// Floor: S0. Imports: host, browser (MessagePort has both faces in Node).

import type { Worker as NodeWorker } from "node:worker_threads";
import { eventPort } from "./browser.js";
import { Death, type Host, type HostPort, type HostWorker } from "./host.js";

const FS = "node:fs/promises";
const WORKER_THREADS = "node:worker_threads";

interface Emitter {
  postMessage(message: unknown, transfer: readonly unknown[]): void;
  on(event: "message", listener: (data: unknown) => void): void;
  off(event: "message", listener: (data: unknown) => void): void;
  once(event: "close", listener: () => void): void;
  close?(): void;
}

function emitterPort(port: Emitter): HostPort {
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer),
    listen(listener) {
      port.on("message", listener);
      return () => port.off("message", listener);
    },
    onClose: (closed) => port.once("close", closed),
    start() {
      // Listening starts the port.
    },
    close: () => port.close?.(),
  };
}

function isEmitter(candidate: object): candidate is Emitter {
  return "postMessage" in candidate && "on" in candidate && "once" in candidate;
}

function threadWorker(worker: NodeWorker): HostWorker {
  const death = new Death();
  const exit = new Death();
  worker.on("error", (error) => death.report(asError(error)));
  worker.on("messageerror", (error) => death.report(error));
  worker.on("exit", (code) => {
    const cause = new Error(`worker exited with code ${code}`);
    death.report(cause);
    exit.report(cause);
  });
  return {
    port: emitterPort(worker as unknown as Emitter),
    onDeath: (dead) => death.on(dead),
    onGone: (_lifeline, gone) => exit.on(gone),
    async terminate() {
      await worker.terminate();
    },
  };
}

/** `url` is a `file:` URL. */
export async function fileBytes(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ FS
  )) as typeof import("node:fs/promises");
  return readFile(url);
}

export const nodeHost: Host = {
  async startWorker(url, name) {
    const { Worker } = await workerThreads();
    return threadWorker(new Worker(url, { name }));
  },
  async parentPort() {
    const { parentPort } = await workerThreads();
    if (parentPort === null) return null;
    return { ...emitterPort(parentPort as unknown as Emitter), close: () => {} };
  },
  adoptPort(candidate) {
    if (isEmitter(candidate)) return emitterPort(candidate);
    return "addEventListener" in candidate && "postMessage" in candidate
      ? eventPort(candidate as never)
      : null;
  },
  adoptWorker(candidate) {
    const isWorker = isEmitter(candidate) && "threadId" in candidate && "terminate" in candidate;
    return isWorker ? threadWorker(candidate as unknown as NodeWorker) : null;
  },
  newLifeline: () => null,
  holdLifeline: async () => {},
  onExit: (leaving) => process.once("exit", leaving),
};

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

async function workerThreads(): Promise<typeof import("node:worker_threads")> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ WORKER_THREADS);
}

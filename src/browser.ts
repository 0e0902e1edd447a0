// The browser's half of host.ts: fetch, web workers, EventTarget ports.
// Floor: S0. Imports: host.

import { Death, type Host, type HostPort, type HostWorker } from "./host.js";

interface EventPort extends EventTarget {
  postMessage(message: unknown, transfer: Transferable[]): void;
  start?(): void;
}

/** Wraps anything with postMessage and DOM message events. */
export function eventPort(port: EventPort): HostPort {
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer as Transferable[]),
    listen(listener) {
      const onMessage = (event: Event) => listener((event as MessageEvent).data);
      port.addEventListener("message", onMessage);
      return () => port.removeEventListener("message", onMessage);
    },
    onClose: (closed) => port.addEventListener("close", closed),
    start: () => port.start?.(),
    close() {
      if (port instanceof MessagePort) port.close();
    },
  };
}

function isEventPort(candidate: object): candidate is EventPort {
  return "postMessage" in candidate && "addEventListener" in candidate;
}

function webWorker(worker: Worker): HostWorker {
  const death = new Death();
  worker.addEventListener("error", (event) => {
    death.report(new Error(`worker failed: ${event.message ?? "it could not be loaded"}`));
  });
  worker.addEventListener("messageerror", () => {
    death.report(new Error("worker sent an unreadable message"));
  });
  return {
    port: eventPort(worker),
    onDeath: (dead) => death.on(dead),
    onGone(lifeline, gone) {
      if (lifeline === null) return;
      navigator.locks.request(lifeline, () => {
        death.report(new Error("worker has ended"));
        gone();
      });
    },
    async terminate() {
      worker.terminate();
      death.report(new Error("worker was terminated"));
    },
  };
}

export async function fetchBytes(url: URL): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new TypeError(`${url}: HTTP status ${response.status}`);
  return response.arrayBuffer();
}

export const browserHost: Host = {
  async startWorker(url, name) {
    return webWorker(new Worker(url, { type: "module", name }));
  },
  async parentPort() {
    const inWorker = typeof document === "undefined" && "postMessage" in globalThis;
    return inWorker ? eventPort(globalThis as unknown as EventPort) : null;
  },
  adoptPort: (candidate) => (isEventPort(candidate) ? eventPort(candidate) : null),
  adoptWorker(candidate) {
    return typeof Worker !== "undefined" && candidate instanceof Worker
      ? webWorker(candidate)
      : null;
  },
  // A page is told neither that a worker closed itself, nor when a terminated one has stopped;
  // but then the locks that it held are free.
  newLifeline: () => (navigator.locks === undefined ? null : `vmaple-${crypto.randomUUID()}`),
  holdLifeline: (lifeline) =>
    new Promise((resolve) => {
      navigator.locks.request(lifeline, () => {
        resolve();
        return new Promise(() => {});
      });
    }),
  onExit() {},
};

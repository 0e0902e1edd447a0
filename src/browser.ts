// The browser's half of host.ts: fetch, web workers, EventTarget ports.
// Floor: S0. Imports: host (types).

import type { Host, HostPort, HostWorker } from "./host.js";

interface EventPort extends EventTarget {
  postMessage(message: unknown, transfer: Transferable[]): void;
  start?(): void;
  close?(): void;
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
    start: () => port.start?.(),
    close: () => port.close?.(),
  };
}

function isEventPort(candidate: object): candidate is EventPort {
  return "postMessage" in candidate && "addEventListener" in candidate;
}

function webWorker(worker: Worker): HostWorker {
  let died: ((cause: Error) => void) | undefined;
  const die = (cause: Error) => {
    died?.(cause);
    died = undefined;
  };
  worker.addEventListener("error", (event) => {
    die(new Error(`worker failed: ${event.message ?? "it could not be loaded"}`));
  });
  worker.addEventListener("messageerror", () =>
    die(new Error("worker sent an unreadable message")),
  );
  return {
    port: eventPort(worker),
    onDeath(dead) {
      died = dead;
    },
    async terminate() {
      worker.terminate();
      die(new Error("worker was terminated"));
    },
  };
}

export const browserHost: Host = {
  async readBytes(url) {
    const response = await fetch(url);
    if (!response.ok) throw new TypeError(`${url}: HTTP status ${response.status}`);
    return response.arrayBuffer();
  },
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
  unref() {
    // A page has no end that a timer could delay.
  },
};

// What Node and browsers do differently, in one interface; node.ts and browser.ts
// implement it. Nothing else asks where it runs. Floor: S0. Imports: nothing.

/** The end of a worker: told once, to whoever asked, before or after it happened. */
export class Death {
  #cause: Error | undefined;
  readonly #listeners: ((cause: Error) => void)[] = [];

  report(cause: Error): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    for (const listener of this.#listeners) listener(cause);
  }

  on(listener: (cause: Error) => void): void {
    if (this.#cause === undefined) this.#listeners.push(listener);
    else listener(this.#cause);
  }
}

/** A worker as the pool sees it. */
export interface HostWorker {
  readonly port: HostPort;
  /** Calls `dead` once, when the worker has exited or failed; `cause` is why. */
  onDeath(dead: (cause: Error) => void): void;
  /**
   * Calls `gone` once no code of the worker runs any more: later than its death is known, since
   * an error need not end a worker, nor has it stopped when `terminate` returns.
   *
   * @param lifeline the one that the worker holds, or was told to hold before it does anything
   */
  onGone(lifeline: string | null, gone: () => void): void;
  terminate(): Promise<void>;
}

/** What both kinds of message port, and both kinds of worker, can do. */
export interface HostPort {
  postMessage(message: unknown, transfer: readonly Transferable[]): void;
  /** Adds a listener for message data; returns what takes it away. */
  listen(listener: (data: unknown) => void): () => void;
  /** Calls `closed` when the other side is gone, where the host says so. */
  onClose(closed: () => void): void;
  start(): void;
  /** Closes a MessagePort; leaves workers and their parents' ports alone. */
  close(): void;
}

export interface Host {
  startWorker(url: URL | string, name: string): Promise<HostWorker>;
  /** The port to whoever started this worker; null on a main thread. */
  parentPort(): Promise<HostPort | null>;
  /** Adapts a port, a worker or the like of this host; null if it is none. */
  adoptPort(candidate: object): HostPort | null;
  adoptWorker(candidate: object): HostWorker | null;
  /** A name for what the end of a worker sets free, where no event tells of that end; else null. */
  newLifeline(): string | null;
  /** In that worker: takes it for good. */
  holdLifeline(lifeline: string): Promise<void>;
  /** Calls `leaving` in a worker that ends by itself; where nothing tells it, never. */
  onExit(leaving: () => void): void;
}

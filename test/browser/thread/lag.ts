// How late the event loop is: a message to oneself, again and again; each gap between two
// that is more than the message itself takes is somebody's task.

export interface LagReport {
  readonly turns: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class Lag {
  readonly #channel = new MessageChannel();
  readonly #gaps: number[] = [];
  #last = performance.now();

  constructor() {
    this.#channel.port1.onmessage = () => {
      const now = performance.now();
      this.#gaps.push(now - this.#last);
      this.#last = now;
      this.#channel.port2.postMessage(0);
    };
    this.#channel.port2.postMessage(0);
  }

  stop(): LagReport {
    this.#channel.port1.close();
    const sorted = this.#gaps.sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { turns: sorted.length, p99Ms: at(0.99), maxMs: at(1) };
  }
}

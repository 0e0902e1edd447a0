// One line on a terminal that says how far a long job is; nothing anywhere else.

const CLEAR_LINE = "\r\u001b[K";
/** Milliseconds between two changes of the line: more often nobody can read it. */
const PERIOD = 100;
/** Milliseconds before a rate says anything. */
const WARM_UP = 500;

export class ProgressLine {
  #shownAt = Number.NEGATIVE_INFINITY;
  readonly #startedAt: number;

  constructor(
    private readonly label: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#startedAt = now();
  }

  show(text: string): void {
    if (!this.stream.isTTY || this.now() - this.#shownAt < PERIOD) return;
    this.#shownAt = this.now();
    this.stream.write(`${CLEAR_LINE}${this.label}: ${text}`);
  }

  /** `done` of `unit` so far, which is `share` of the whole, 0 to 1: with rate and time left. */
  showShare(done: number, unit: string, share: number): void {
    const elapsed = this.now() - this.#startedAt;
    let text = `${done} ${unit}`;
    if (elapsed >= WARM_UP && share > 0) {
      text += `, ${Math.round((done / elapsed) * 1000)}/s`;
      const percent = Math.min(100, Math.floor(share * 100));
      text += `, ${percent} %, ${duration((elapsed / share) * (1 - Math.min(1, share)))} left`;
    }
    this.show(text);
  }

  clear(): void {
    if (this.stream.isTTY) this.stream.write(CLEAR_LINE);
  }
}

/** `3 min 20 s` */
function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

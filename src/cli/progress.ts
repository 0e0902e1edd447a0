// One line on a terminal that says how far a long job is; nothing anywhere else.

const CLEAR_LINE = "\r\u001b[K";
/** Milliseconds between two changes of the line: more often nobody can read it. */
const PERIOD = 100;

export class ProgressLine {
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly label: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  show(text: string): void {
    if (!this.stream.isTTY || performance.now() - this.#shownAt < PERIOD) return;
    this.#shownAt = performance.now();
    this.stream.write(`${CLEAR_LINE}${this.label}: ${text}`);
  }

  clear(): void {
    if (this.stream.isTTY) this.stream.write(CLEAR_LINE);
  }
}

// One line on a terminal that says how far a long job is; nothing anywhere else.

const CLEAR_LINE = "\r\u001b[K";

export class ProgressLine {
  constructor(
    private readonly label: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  show(text: string): void {
    if (this.stream.isTTY) this.stream.write(`${CLEAR_LINE}${this.label}: ${text}`);
  }

  clear(): void {
    if (this.stream.isTTY) this.stream.write(CLEAR_LINE);
  }
}

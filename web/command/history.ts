// The commands of before, as a shell remembers them.

const MOST = 500;

export class CommandHistory {
  #lines: string[];
  /** Where it is read: `lines.length` is the line being typed. */
  #at: number;
  #draft = "";

  constructor(lines: readonly string[] = []) {
    this.#lines = lines.slice(-MOST);
    this.#at = this.#lines.length;
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** A line that was given; one that repeats the last is not kept twice. */
  add(line: string): void {
    const text = line.trim();
    if (text !== "" && text !== this.#lines.at(-1))
      this.#lines = [...this.#lines, text].slice(-MOST);
    this.#at = this.#lines.length;
    this.#draft = "";
  }

  /** The line before. @param typed what stands in the line now; null: there is none before */
  older(typed: string): string | null {
    if (this.#at === 0) return null;
    if (this.#at === this.#lines.length) this.#draft = typed;
    this.#at--;
    return this.#lines[this.#at] as string;
  }

  /** The line after, at last what was being typed; null: it is that already. */
  newer(): string | null {
    if (this.#at === this.#lines.length) return null;
    this.#at++;
    return this.#lines[this.#at] ?? this.#draft;
  }
}

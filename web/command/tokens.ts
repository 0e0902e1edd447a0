// A command line in words, each with its place, and what is wrong with it and where.

/** A word of the line; quoted ones stand without their quotes in `text`. */
export interface Token {
  readonly text: string;
  /** Columns, counted from 0; `[from, to)`, quotes included. */
  readonly from: number;
  readonly to: number;
  readonly isQuoted: boolean;
}

/** The line is no command. `message` says what is wrong and what was expected. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  /** @param from first column at fault @param to the one after the last; at least from + 1 */
  constructor(
    message: string,
    readonly from: number,
    readonly to: number,
  ) {
    super(message);
  }

  /** The line `^^^` that stands below the command. */
  get caret(): string {
    return " ".repeat(this.from) + "^".repeat(Math.max(1, this.to - this.from));
  }
}

const WORD = /"((?:\\.|[^"\\])*)("?)|[^\s"]+/gs;

/** @throws CommandError a quote that is not closed */
export function tokensOf(line: string): Token[] {
  return [...line.matchAll(WORD)].map((match) => {
    const [whole, quoted, close] = match;
    const from = match.index;
    const to = from + whole.length;
    if (quoted !== undefined && close === "") {
      throw new CommandError('a quote is open: expected " at the end', from, to);
    }
    const text = quoted === undefined ? whole : unescaped(quoted);
    return { text, from, to, isQuoted: quoted !== undefined };
  });
}

function unescaped(quoted: string): string {
  return quoted.replace(/\\(.)/gs, (_, char: string) => (char === "n" ? "\n" : char));
}

/** The word for a text, on one line: quoted if it must be. */
export function wordOf(text: string): string {
  if (/^[^\s"\\]+$/.test(text)) return text;
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

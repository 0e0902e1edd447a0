// What every command of the command line has in common.

import { type ParseArgsConfig, parseArgs } from "node:util";

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The process's exit status: 0, 1 or 2. */
  run(argv: readonly string[]): Promise<number>;
}

/** The command line cannot be obeyed: exit status 2. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly command?: string,
  ) {
    super(message);
  }
}

type Options = NonNullable<ParseArgsConfig["options"]>;

const COMMON = { help: { type: "boolean" }, version: { type: "boolean" } } as const;

type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T & typeof COMMON; allowPositionals: true }>
>;

/** Options and operands; --help and --version are always known. */
export function parseCommandLine<T extends Options>(
  argv: readonly string[],
  options: T,
  command?: string,
): Parsed<T> {
  try {
    return parseArgs({
      args: [...argv],
      options: { ...options, ...COMMON },
      allowPositionals: true,
    });
  } catch (error) {
    // Node's text goes on with advice about `--`; its first sentence is the point.
    const [sentence = ""] = (error as Error).message.split(". ");
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1), command);
  }
}

/** `text` as a whole number from `least` to `most`. */
export function wholeNumber(
  text: string,
  { option, least, most }: { option: string; least: number; most: number },
  command: string,
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const expected = `a whole number from ${least} to ${most}`;
  throw new UsageError(`${option} must be ${expected}, not "${text}"`, command);
}

// Newline-delimited JSON with errors a person can act on: file, line number and
// what was expected. Pure: bytes in, checked fields out.

import type { Address } from "../address.js";

/** Input that cannot be used. One line: `FILE:LINE: expected ..., got ...`. */
export class InputError extends Error {
  override readonly name = "InputError";

  constructor(
    readonly file: string,
    readonly line: number,
    readonly expected: string,
    readonly got?: string,
  ) {
    super(`${file}:${line}: expected ${expected}${got === undefined ? "" : `, got ${got}`}`);
  }
}

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
}

const NEWLINE = 10;
/** Bytes. No row comes near it; half a gigabyte more would be too long for a string. */
const LINE_MAX = 2 ** 26;

/**
 * The lines of `bytes`, decoded one at a time; a last line may lack its newline.
 *
 * @throws InputError a line is longer than 64 MiB
 */
export function* linesOf(bytes: Uint8Array, file: string): Generator<Line> {
  const decoder = new TextDecoder();
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end - start > LINE_MAX) {
      throw new InputError(file, number, "a line of at most 64 MiB", "a longer one");
    }
    yield { number, text: decoder.decode(bytes.subarray(start, end)) };
    start = end + 1;
  }
}

/** How an error message shows a value: short, on one line. */
export function shown(value: unknown): string {
  const text: string = JSON.stringify(value) ?? "nothing";
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** The smallest exact form of an unsigned 64-bit value. */
export function quantity(value: bigint): Address {
  return value < 2n ** 53n ? Number(value) : value;
}

export function wrapU64(value: bigint): Address {
  return quantity(BigInt.asUintN(64, value));
}

/** One row: an object whose fields are taken by type, or the input is refused. */
export class Fields {
  readonly #object: Record<string, unknown>;

  constructor(
    readonly file: string,
    readonly line: Line,
  ) {
    let value: unknown;
    try {
      value = JSON.parse(line.text);
    } catch {
      throw this.error("one JSON object", shown(line.text));
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.error("one JSON object", shown(value));
    }
    this.#object = value as Record<string, unknown>;
  }

  error(expected: string, got?: string): InputError {
    return new InputError(this.file, this.line.number, expected, got);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#object, key) && this.#object[key] !== null;
  }

  any(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  wrong(key: string, expected: string): InputError {
    return this.error(`"${key}" to be ${expected}`, shown(this.any(key)));
  }

  integer(key: string): number {
    const value = this.any(key);
    if (typeof value !== "number" || !Number.isInteger(value)) {
      throw this.wrong(key, "an integer");
    }
    return value;
  }

  count(key: string): number {
    const value = this.integer(key);
    if (value < 0) throw this.wrong(key, "a count");
    return value;
  }

  string(key: string): string {
    const value = this.any(key);
    if (typeof value !== "string") throw this.wrong(key, "a string");
    return value;
  }

  boolean(key: string): boolean {
    const value = this.any(key);
    if (typeof value !== "boolean") throw this.wrong(key, "true or false");
    return value;
  }

  array(key: string): readonly unknown[] {
    const value = this.any(key);
    if (!Array.isArray(value)) throw this.wrong(key, "a list");
    return value;
  }

  integers(key: string, length: number): readonly number[] {
    const values = this.array(key);
    if (values.length !== length || !values.every((value) => Number.isInteger(value))) {
      throw this.wrong(key, `a list of ${length} integers`);
    }
    return values as readonly number[];
  }

  object(key: string): Record<string, unknown> {
    const value = this.any(key);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.wrong(key, "an object");
    }
    return value as Record<string, unknown>;
  }

  /** `0x1f` or, with `prefix` "", `1f`. */
  hex(text: string, key: string, prefix = "0x"): bigint {
    const digits = text.startsWith(prefix) ? text.slice(prefix.length) : "";
    if (!/^[0-9a-f]{1,16}$/i.test(digits)) throw this.wrong(key, `a number like ${prefix}1000`);
    return BigInt(`0x${digits}`);
  }
}

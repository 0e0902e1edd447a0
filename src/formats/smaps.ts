// maps and smaps text -> entries, and back to the same bytes (R-PROC, section 15). Pure.
//
// Entries come out ascending and apart: a line that reaches below the end of the one
// before it is a wrong line. Touching ranges are none, nor are ranges of no length.

import {
  type Chunk,
  LineReader,
  type Problem,
  type ReaderOptions,
  readStream,
  readWhole,
} from "./lines.js";
import { encodeText, LineDecoder } from "./maps-bytes.js";
import { formatMapsLine, type MapsEntry, parseMapsLine } from "./maps-line.js";

export interface MapsFile {
  /** Ascending; no two overlap. */
  readonly entries: readonly MapsEntry[];
  /** The lines that were left out. */
  readonly problems: readonly Problem[];
}

type Fields = Record<string, number | string>;

const FIELD = /^([A-Z]\w*):\s*(.*?) *$/s;
/** Digits of a number that is exact. */
const VALUE = /^(\d{1,15})( kB)?$/;
const FLAGS = /^(\S\S( |$))*$/;
/** The kernel pads a label to this, and the number after it to 8 more. */
const LABEL_WIDTH = 16;
const NUMBER_END = 24;

/** Reads maps or smaps in pieces: `push` until the end, then `end`. */
export class MapsParser extends LineReader<MapsEntry> {
  #entry: MapsEntry | null = null;
  #fields: Fields | null = null;
  #lastEnd: MapsEntry["end"] = 0;
  #isDos = false;
  readonly #decoder = new LineDecoder();

  protected override decode(bytes?: Uint8Array): string {
    return this.#decoder.decode(bytes);
  }
  protected override readLine(line: string): void {
    // A name may end with a carriage return: it is one only where the first line has none.
    if (this.line === 1) this.#isDos = line.endsWith("\r");
    const text = this.#isDos && line.endsWith("\r") ? line.slice(0, -1) : line;
    if (text === "") return;
    const field = FIELD.exec(text);
    if (field !== null) this.#field(field[1]!, field[2]!, text);
    else this.#header(text);
  }

  #header(text: string): void {
    const entry = parseMapsLine(text);
    this.finish();
    if (entry === null) {
      this.wrong("a line of maps or smaps", text);
    } else if (entry.end < entry.start) {
      this.wrong("a range that ends after its start", text);
    } else if (entry.start < this.#lastEnd) {
      this.wrong(`a range from ${this.#lastEnd.toString(16)} on`, text);
    } else {
      this.#entry = entry;
      this.#lastEnd = entry.end;
    }
  }

  #field(label: string, value: string, text: string): void {
    const number = VALUE.exec(value);
    const isText = label === "Name" || (label === "VmFlags" && FLAGS.test(value));
    if (number === null && !isText) {
      this.wrong("a line of smaps", text);
    } else if (this.#entry !== null) {
      this.#fields ??= {};
      this.#fields[label] = number?.[2] === undefined ? value : Number(number[1]);
    } else if (this.problems.length === 0) {
      // Below a line that was left out, which is told already, fields are left out too.
      this.wrong("a line of maps before its fields", text);
    }
  }

  protected override finish(): void {
    const fields = this.#fields;
    if (this.#entry !== null) {
      this.rows.push(fields === null ? this.#entry : { ...this.#entry, fields });
    }
    this.#entry = null;
    this.#fields = null;
  }
}

/**
 * The entries of maps or smaps text.
 *
 * @throws InputError a wrong line, if strict
 */
export function readMaps(input: Chunk, options?: ReaderOptions): MapsFile {
  const parser = new MapsParser(options);
  return { entries: readWhole(parser, input), problems: parser.problems };
}

/**
 * The entries of a text that arrives in pieces; `parser` has the problems.
 *
 * @throws InputError a wrong line, if strict
 */
export function streamMaps(
  source: AsyncIterable<Chunk>,
  parser: MapsParser = new MapsParser(),
): AsyncGenerator<MapsEntry> {
  return readStream(parser, source);
}

/** The text of /proc/PID/maps, or of smaps for entries that have fields. */
export function mapsText(entries: Iterable<MapsEntry>): string {
  let text = "";
  for (const entry of entries) {
    text += `${formatMapsLine(entry)}\n`;
    for (const [label, value] of Object.entries(entry.fields ?? {})) {
      text += `${fieldLine(label, value)}\n`;
    }
  }
  return text;
}

function fieldLine(label: string, value: number | string): string {
  if (label === "VmFlags") return `${label}: ${value}${value === "" ? "" : " "}`;
  const head = `${label}:`.padEnd(Math.max(LABEL_WIDTH, label.length + 2));
  if (label === "Name") return head + value;
  const number = `${value}`.padStart(NUMBER_END - head.length);
  return typeof value === "number" ? `${head}${number} kB` : head + number;
}

/** The same as bytes: also of names that are no UTF-8. */
export function mapsBytes(entries: Iterable<MapsEntry>): Uint8Array {
  return encodeText(mapsText(entries));
}

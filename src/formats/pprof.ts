// A map as a profile of pprof: profile.proto, as bytes. Pure.
//
//   sample    one an entry: its size in bytes, of smaps also what is resident
//   mapping   one an entry: range, file offset, name
//   location  the entry's first byte, in a function that has the entry's name, so that
//             `pprof -top` sums up by name
//
// Source: github.com/google/pprof, proto/profile.proto. Only the fields that are set are
// written; numbers are varints, lists of numbers are packed.

import type { Address } from "../address.js";
import type { MapsEntry } from "./maps-line.js";
import { kindOf, pathOf, sizeOf } from "./maps-query.js";

/** Field numbers of profile.proto. */
const enum Profile {
  SAMPLE_TYPE = 1,
  SAMPLE = 2,
  MAPPING = 3,
  LOCATION = 4,
  FUNCTION = 5,
  STRING_TABLE = 6,
  DEFAULT_SAMPLE_TYPE = 14,
}
const enum ValueType {
  TYPE = 1,
  UNIT = 2,
}
const enum Sample {
  LOCATION_ID = 1,
  VALUE = 2,
}
const enum Mapping {
  ID = 1,
  MEMORY_START = 2,
  MEMORY_LIMIT = 3,
  FILE_OFFSET = 4,
  FILENAME = 5,
  HAS_FUNCTIONS = 7,
}
const enum Location {
  ID = 1,
  MAPPING_ID = 2,
  ADDRESS = 3,
  LINE = 4,
}
const enum Line {
  FUNCTION_ID = 1,
}
const enum Func {
  ID = 1,
  NAME = 2,
}

/** The profile, not compressed. */
export function mapsProfile(entries: readonly MapsEntry[]): Uint8Array {
  const strings = new Strings();
  const profile = new Message();
  const isSmaps = entries.some(({ fields }) => fields !== undefined);
  for (const type of isSmaps ? ["mapped", "resident"] : ["mapped"]) {
    const value = new Message()
      .number(ValueType.TYPE, strings.of(type))
      .number(ValueType.UNIT, strings.of("bytes"));
    profile.message(Profile.SAMPLE_TYPE, value);
  }
  const functions = new Map<string, number>();
  entries.forEach((entry, n) => {
    const id = n + 1; // 0 stands for none
    const name = entry.name === "" ? `[${kindOf(entry)}]` : entry.name;
    const functionId = functions.get(name) ?? functions.size + 1;
    functions.set(name, functionId);
    const values = [sizeOf(entry)];
    if (isSmaps) values.push(Number(entry.fields?.["Rss"] ?? 0) * 1024);
    profile.message(
      Profile.SAMPLE,
      new Message().packed(Sample.LOCATION_ID, [id]).packed(Sample.VALUE, values),
    );
    const filename = strings.of(pathOf(entry)?.path ?? name);
    profile.message(Profile.MAPPING, mapping(entry, id, filename));
    profile.message(
      Profile.LOCATION,
      new Message()
        .number(Location.ID, id)
        .number(Location.MAPPING_ID, id)
        .number(Location.ADDRESS, entry.start)
        .message(Location.LINE, new Message().number(Line.FUNCTION_ID, functionId)),
    );
  });
  for (const [name, id] of functions) {
    const message = new Message().number(Func.ID, id).number(Func.NAME, strings.of(name));
    profile.message(Profile.FUNCTION, message);
  }
  profile.number(Profile.DEFAULT_SAMPLE_TYPE, strings.of("mapped"));
  for (const text of strings.all()) profile.text(Profile.STRING_TABLE, text);
  return profile.bytes();
}

function mapping({ start, end, offset }: MapsEntry, id: number, filename: number): Message {
  return new Message()
    .number(Mapping.ID, id)
    .number(Mapping.MEMORY_START, start)
    .number(Mapping.MEMORY_LIMIT, end)
    .number(Mapping.FILE_OFFSET, offset)
    .number(Mapping.FILENAME, filename)
    .number(Mapping.HAS_FUNCTIONS, 1);
}

/** The string table: each text once, the first is empty. */
class Strings {
  readonly #places = new Map([["", 0]]);

  of(text: string): number {
    const place = this.#places.get(text) ?? this.#places.size;
    this.#places.set(text, place);
    return place;
  }

  all(): Iterable<string> {
    return this.#places.keys();
  }
}

const enum Wire {
  VARINT = 0,
  BYTES = 2,
}

/** A protocol buffer message under construction. */
class Message {
  readonly #bytes: number[] = [];

  /** A default value is not written. */
  number(field: number, value: Address): this {
    if (value === 0 || value === 0n) return this;
    this.#varint(field * 8 + Wire.VARINT);
    this.#varint(value);
    return this;
  }

  packed(field: number, values: readonly Address[]): this {
    const list = new Message();
    for (const value of values) list.#varint(value);
    return this.message(field, list);
  }

  text(field: number, text: string): this {
    return this.#block(field, new TextEncoder().encode(text));
  }

  message(field: number, message: Message): this {
    return this.#block(field, message.#bytes);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #block(field: number, bytes: ArrayLike<number> & Iterable<number>): this {
    this.#varint(field * 8 + Wire.BYTES);
    this.#varint(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** Seven bits a byte, lowest first. */
  #varint(value: Address): void {
    let rest = BigInt(value);
    while (rest > 0x7fn) {
      this.#bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#bytes.push(Number(rest));
  }
}

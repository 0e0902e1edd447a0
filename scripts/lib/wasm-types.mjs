// The types of a wasm module's exported functions, read from its bytes: what is linked against
// them must agree with this, whatever any source says.

const VALUE_TYPES = { 127: "i32", 126: "i64", 125: "f32", 124: "f64", 123: "v128" };
const TYPES = 1;
const IMPORTS = 2;
const FUNCTIONS = 3;
const EXPORTS = 7;
const FUNCTION_FORM = 0x60;
const FUNCTION_KIND = 0;
const MEMORY_KIND = 2;

/**
 * @typedef {object} FunctionType
 * @property {string[]} params value types
 * @property {string} result a value type, or "void"
 */

/**
 * @param {Uint8Array} bytes
 * @returns {Map<string, FunctionType>} by name, in the module's order
 */
export function exportedTypes(bytes) {
  const sections = sectionsOf(bytes);
  const imported = countImportedFunctions(sections.get(IMPORTS));
  if (imported !== 0) throw new Error("imported functions: indices would have to be moved");
  const types = list(sections.get(TYPES), readType);
  const functions = list(sections.get(FUNCTIONS), (reader) => reader.u32());
  const exports = list(sections.get(EXPORTS), (reader) => {
    const name = reader.name();
    return { name, kind: reader.byte(), index: reader.u32() };
  });
  return new Map(
    exports
      .filter(({ kind }) => kind === FUNCTION_KIND)
      .map(({ name, index }) => [name, types[functions[index]]]),
  );
}

function readType(reader) {
  if (reader.byte() !== FUNCTION_FORM) throw new Error("a type that is no function's");
  const values = () => Array.from({ length: reader.u32() }, () => VALUE_TYPES[reader.byte()]);
  const params = values();
  return { params, result: values()[0] ?? "void" };
}

function countImportedFunctions(reader) {
  const kinds = list(reader, () => {
    reader.name();
    reader.name();
    const kind = reader.byte();
    if (kind === MEMORY_KIND) {
      const hasMaximum = (reader.byte() & 1) === 1;
      reader.u32();
      if (hasMaximum) reader.u32();
    } else if (kind === FUNCTION_KIND) {
      reader.u32();
    } else {
      throw new Error(`an import of kind ${kind}`);
    }
    return kind;
  });
  return kinds.filter((kind) => kind === FUNCTION_KIND).length;
}

function list(reader, readItem) {
  if (reader === undefined) return [];
  return Array.from({ length: reader.u32() }, () => readItem(reader));
}

/** @returns {Map<number, Reader>} the bytes of each section by its id */
function sectionsOf(bytes) {
  const reader = new Reader(bytes, 8); // after magic and version
  const sections = new Map();
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.u32();
    sections.set(id, new Reader(bytes.subarray(reader.at, reader.at + size), 0));
    reader.at += size;
  }
  return sections;
}

class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  u32() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  name() {
    const length = this.u32();
    const from = this.at;
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(from, this.at));
  }
}

// From the user's WasmSource, or the inlined bytes, to a compiled module.
//
// One build serves both kinds of memory. The module imports a shared memory; for
// `shared: false` one byte of its import section is changed before it is compiled.
// Atomic instructions are valid on unshared memory, except waiting, and a worker that
// may not block never waits.
//
// Floor: S1. Imports: platform, generated.

import { WASM_BASE64 } from "./generated/wasm.js";
import { host } from "./platform.js";

/** Where the engine's wasm comes from, if not from the bytes inlined in the package. */
export type WasmSource = ByteSource | WebAssembly.Module;

type ByteSource = URL | Response | BufferSource;

/** One compilation a realm: the module is immutable. */
const inlined: { module: Promise<WebAssembly.Module> | undefined } = { module: undefined };

/**
 * The compiled engine for a shared or an unshared memory.
 *
 * @throws TypeError `source` is of no known kind, or a compiled module where `shared` is false
 */
export async function compileEngine(
  source: WasmSource | undefined,
  shared: boolean,
): Promise<WebAssembly.Module> {
  if (source === undefined && shared) {
    inlined.module ??= WebAssembly.compile(inlinedBytes());
    return inlined.module;
  }
  const compiled: unknown = source;
  if (compiled instanceof WebAssembly.Module) {
    if (shared) return compiled;
    throw new TypeError("shared: false needs the wasm's bytes, not a compiled module");
  }
  const bytes = source === undefined ? inlinedBytes() : await readSource(source as ByteSource);
  return WebAssembly.compile(shared ? bytes : withUnsharedMemory(toBytes(bytes)));
}

async function readSource(source: ByteSource): Promise<BufferSource> {
  if (source instanceof URL) return host.readBytes(source);
  if (typeof Response !== "undefined" && source instanceof Response) return source.arrayBuffer();
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source;
  throw new TypeError("wasm must be a URL, a Response, bytes or a WebAssembly.Module");
}

function inlinedBytes(): Uint8Array<ArrayBuffer> {
  const text = atob(WASM_BASE64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function toBytes(source: BufferSource): Uint8Array<ArrayBuffer> {
  const view = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  return view.slice(); // a copy: the caller's bytes stay as they are
}

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
/** Limits flags of a memory: 1 has a maximum, 2 is shared. */
const SHARED_LIMITS = 0x03;
const UNSHARED_LIMITS = 0x01;

/** Changes the imported memory of a module from shared to unshared, in place. */
function withUnsharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const reader = new Leb(bytes, 8); // after magic and version
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.u32();
    if (id !== IMPORT_SECTION) {
      reader.at += size;
      continue;
    }
    const count = reader.u32();
    for (let i = 0; i < count; i++) {
      reader.skipName();
      reader.skipName();
      if (reader.byte() !== MEMORY_IMPORT) break; // the engine imports nothing else
      if (bytes[reader.at] === SHARED_LIMITS) {
        bytes[reader.at] = UNSHARED_LIMITS;
        return bytes;
      }
    }
    break;
  }
  throw new TypeError("the wasm imports no shared memory: not a vmaple engine");
}

/** Reads a module's bytes: LEB128 numbers and names. */
class Leb {
  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
  ) {}

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  skipName(): void {
    const length = this.u32(); // moves `at` itself
    this.at += length;
  }
}

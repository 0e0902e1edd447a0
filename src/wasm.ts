// From the user's WasmSource, or the inlined bytes, to a compiled module.
//
// One build serves both kinds of memory. The module imports a shared memory; for
// `shared: false` one byte of its import section is changed before it is compiled.
// Atomic instructions are valid on unshared memory, except waiting, and a worker that
// may not block never waits.
//
// Floor: S1. Imports: platform, generated.

import { WASM_BASE64 } from "./generated/wasm.js";
import { readBytes } from "./platform.js";

/** Where the engine's wasm comes from, if not from the bytes inlined in the package. */
export type WasmSource = ByteSource | WebAssembly.Module;

type ByteSource = URL | Response | BufferSource;

/** One compilation a realm: the module is immutable. */
const inlined: { module: Promise<WebAssembly.Module> | undefined } = { module: undefined };

/**
 * The compiled engine for a shared or an unshared memory.
 *
 * @throws TypeError `source` is of no known kind, no wasm, or a compiled module where `shared` is false
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
    throw new TypeError("shared: false needs the wasm's bytes, not a module");
  }
  const bytes = source === undefined ? inlinedBytes() : await readSource(source as ByteSource);
  try {
    return await WebAssembly.compile(shared ? bytes : withUnsharedMemory(toBytes(bytes)));
  } catch (cause) {
    throw new TypeError("the wasm is no WebAssembly module", { cause });
  }
}

async function readSource(source: ByteSource): Promise<BufferSource> {
  if (source instanceof URL) return readBytes(source);
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

/** The import of a memory: module, name, kind, and the limits "has a maximum, is shared". */
const SHARED_MEMORY = "\x03env\x06memory\x02\x03";
const UNSHARED_LIMITS = 0x01;
/** Imports stand near the beginning: only the types are before them. */
const HEAD_BYTES = 4096;

/** Changes the imported memory of a module from shared to unshared, in place. */
function withUnsharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, HEAD_BYTES));
  const at = head.indexOf(SHARED_MEMORY);
  if (at < 0) throw new TypeError("the wasm is not a vmaple engine");
  bytes[at + SHARED_MEMORY.length - 1] = UNSHARED_LIMITS;
  return bytes;
}

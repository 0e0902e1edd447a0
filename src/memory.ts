// The arena: one WebAssembly.Memory at its full size from the start. It never grows, so a view
// once made stays good.
// Floor: S1. Imports: shared, address.

import { Abi } from "../assembly/shared/abi.js";
import { type Address, asNumber } from "./address.js";

/** Bytes of an arena unless asked otherwise. Untouched pages cost no physical memory. */
export const DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024;

const WASM_PAGE = 65536;
const MAX_MEMORY_BYTES = 65535 * WASM_PAGE;

/**
 * A memory of exactly `bytes`, which it keeps for ever.
 *
 * @throws RangeError not a positive multiple of 64 KiB up to 4 GiB - 64 KiB
 */
export function createMemory(bytes: Address, shared: boolean): WebAssembly.Memory {
  const size = asNumber(bytes, "memoryBytes");
  if (size === 0 || size % WASM_PAGE !== 0 || size > MAX_MEMORY_BYTES) {
    throw new RangeError(
      `memoryBytes must be a multiple of 64 KiB up to 4 GiB - 64 KiB, not ${size}`,
    );
  }
  const pages = size / WASM_PAGE;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
}

/**
 * Refuses a memory that holds no arena, or one laid out by another version.
 * Reads two words; needs no instance.
 */
export function checkHeader(memory: WebAssembly.Memory): void {
  const words = new Uint32Array(memory.buffer);
  if (words[Abi.HEADER_MAGIC / 4] !== Abi.MAGIC) {
    throw new TypeError("the memory holds no vmaple arena");
  }
  checkVersion(words[Abi.HEADER_VERSION / 4] as number, "the arena");
}

/** Refuses what was built for another layout of the arena. */
export function checkVersion(version: number, what: string): void {
  if (version === Abi.LAYOUT_VERSION) return;
  throw new TypeError(
    `${what} has layout version ${version}, this vmaple has ${Abi.LAYOUT_VERSION}: use one version in all workers`,
  );
}

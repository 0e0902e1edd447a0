// This realm's host, and what a thread of it may do. Floor: S0. Imports: node, browser.

import { browserHost } from "./browser.js";
import type { Host } from "./host.js";
import { nodeHost } from "./node.js";

const isNode =
  typeof process !== "undefined" &&
  typeof process.versions?.node === "string" &&
  !("Deno" in globalThis);

export const host: Host = isNode ? nodeHost : browserHost;

/**
 * True if this thread may sleep in Atomics.wait. A wait for a value that is not there
 * returns at once, and throws where waiting is forbidden.
 */
export function threadMayBlock(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return false;
  try {
    return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1) === "not-equal";
  } catch {
    return false;
  }
}

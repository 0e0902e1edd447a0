// This realm's host, and what a thread of it may do. Floor: S0. Imports: node, browser.
//
// The engine alone needs none of `host`, and a bundle of it has none.

import { browserHost, fetchBytes } from "./browser.js";
import type { Host } from "./host.js";
import { fileBytes, nodeHost } from "./node.js";

const isNode =
  typeof process !== "undefined" &&
  typeof process.versions?.node === "string" &&
  !("Deno" in globalThis);

export const host: Host = isNode ? nodeHost : browserHost;

/** The bytes behind a URL, `file:` too where the host can read files. */
export async function readBytes(url: URL): Promise<BufferSource> {
  return isNode && url.protocol === "file:" ? fileBytes(url) : fetchBytes(url);
}

/** Lets a process end although this timer is still running; a page has no end that it could delay. */
export function unref(timer: unknown): void {
  (timer as { unref?(): void }).unref?.();
}

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

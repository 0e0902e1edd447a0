// A memory call as the page keeps it: what the log, the command line, files and permalinks share.

import type { TraceCallName } from "../../src/formats/trace.js";
import type { Address } from "../../src/index.js";

/**
 * The calls of a log. Besides those of a trace: `fault`, pages touched by the program (args:
 * address; access 0 read, 1 write, 2 exec; bytes, 0 for one access); `fork` (args: 1 to go on in
 * the child, 0 in the parent); `rlimit` (args: RLIMIT_ number, bytes).
 */
export type CallName = TraceCallName | "fault" | "fork" | "rlimit";

export interface Call {
  readonly op: CallName;
  /** In the order of the system call, bytes and flags as Linux numbers them; mmap's fd may be -1. */
  readonly args: readonly Address[];
  /** mmap: the path behind the descriptor; prctl(PR_SET_VMA): the name; "" without. */
  readonly text: string;
}

/** The value returned, or a word: an errno's name; for a fault a signal (`SIGSEGV`, `SIGBUS`). */
export type Outcome = Address | string;

/** One line of the log. */
export interface Entry {
  readonly call: Call;
  /** What the engine answered. */
  readonly outcome: Outcome;
  /** What the file that it came from says the kernel answered; undefined if typed here. */
  readonly recorded?: Outcome;
}

export function failed(outcome: Outcome): outcome is string {
  return typeof outcome === "string";
}

// What came of a touch, in words: served, or which signal and why.

import { hasFlags, VmFlags } from "../../src/index.js";
import { firstAbove, permsAt, rowAt } from "../app/rows.js";
import type { Moment } from "../app/store.js";

const GUARD = "SIGSEGV: a guard page (MADV_GUARD_INSTALL) answers every access so.";
const ACCESS = ["read", "write", "exec"] as const;
const WANTED = [VmFlags.READ, VmFlags.WRITE, VmFlags.EXEC] as const;

export function faultText({ entry, before, after, changes }: Moment): string {
  const address = Number(entry?.call.args[0]);
  const access = Number(entry?.call.args[1] ?? 0);
  const name = ACCESS[access] ?? "read";
  const row = rowAt(before, address);
  switch (entry?.outcome) {
    case "SEGV_MAPERR": {
      if (row >= 0) return GUARD;
      const above = firstAbove(before, address);
      const isBelowStack =
        above < before.count && hasFlags(before.flags[above] as number, VmFlags.GROWSDOWN);
      return isBelowStack && row < 0
        ? "SIGSEGV: nothing is mapped there, and the stack above may not grow so far (guard gap or RLIMIT_STACK)."
        : "SIGSEGV: nothing is mapped there.";
    }
    case "SEGV_ACCERR": {
      if (row < 0) return "SIGSEGV: the access is not allowed there.";
      const may = hasFlags(before.flags[row] as number, WANTED[access] ?? VmFlags.READ);
      return may ? GUARD : `SIGSEGV: ${permsAt(before, row)} does not allow to ${name}.`;
    }
    case "BUS_ADRERR":
      return "SIGBUS: the page lies beyond the end of the file.";
    case "ENOMEM":
      return "ENOMEM: the engine's memory is full.";
  }
  const grown = changes.fresh.find((fresh) => {
    const old = rowAt(before, (after.end[fresh] as number) - 1);
    return old >= 0 && (before.start[old] as number) > (after.start[fresh] as number);
  });
  if (grown !== undefined)
    return "The stack grew down to the page: a fault just below a GROWSDOWN VMA extends it.";
  if (changes.fresh.length > 0) {
    return "The first write gave the VMA its anon_vma: from now on it merges only with VMAs that have the same one, or none.";
  }
  return `The ${name} is served: the page is there now, and no VMA changes.`;
}

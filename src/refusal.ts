// whyRefused: which check a call that failed did not pass, in words.
//
// The core answers an errno; many checks share one. Here they are gone through again in
// Linux's order, with the values of the call and of the space: the first that does not hold
// and has that errno is the answer. A failed call changes nothing that a check looks at (where
// Linux keeps a part, what stopped it is still there), so it may be asked afterwards.
//
// Context: the mmap lock. Floor: S2. Imports: core, errors, refusal/.

import type { Core } from "./core.js";
import type { ErrorArgs } from "./errors.js";
import { Facts, type Finding } from "./refusal/facts.js";
import { madviseFindings } from "./refusal/madvise.js";
import { mmapFindings } from "./refusal/mmap.js";
import { mremapFindings } from "./refusal/mremap.js";
import { munmapFindings } from "./refusal/munmap.js";
import {
  mincoreFindings,
  mlockallFindings,
  mlockFindings,
  mprotectFindings,
  msealFindings,
  msyncFindings,
  munlockFindings,
  nameFindings,
  remapFilePagesFindings,
} from "./refusal/ranges.js";

/** The check that a call did not pass. */
export interface Refusal {
  /** The errno's name, as in `ENOMEM`. */
  readonly code: string;
  /** One sentence with the values that decided. */
  readonly text: string;
  /** The manual page with the rule, as in `mmap(2)`. */
  readonly manual: string;
}

/** A call that was refused: what an MmError tells of it. */
export interface RefusedCall {
  readonly code: string;
  readonly syscall: string;
  readonly args: ErrorArgs;
}

/** The checks of one call, in order; `words` are its arguments by name. */
interface Checks {
  readonly manual: string;
  readonly findings: (facts: Facts, words: Words) => Generator<Finding>;
}

/** Arguments by name, as the checks want them. */
class Words {
  constructor(readonly args: ErrorArgs) {}

  /** A 64-bit word. */
  wide(name: string): bigint {
    const value = this.args[name] ?? 0;
    return typeof value === "string" ? 0n : BigInt.asUintN(64, BigInt(value));
  }

  word(name: string): number {
    return Number(this.args[name] ?? 0) | 0;
  }

  /** The argument of setVmaName: JSON of a string or null. */
  text(name: string): string | null {
    return JSON.parse(String(this.args[name] ?? "null")) as string | null;
  }
}

type Range = (facts: Facts, address: bigint, length: bigint, third: number) => Generator<Finding>;

function range(manual: string, findings: Range, third = "flags"): Checks {
  return {
    manual,
    findings: (facts, words) =>
      findings(facts, words.wide("address"), words.wide("length"), words.word(third)),
  };
}

const CHECKS: Readonly<Record<string, Checks>> = {
  mmap: {
    manual: "mmap(2)",
    findings: (facts, words) =>
      mmapFindings(facts, {
        address: words.wide("address"),
        length: words.wide("length"),
        prot: words.word("prot"),
        flags: words.word("flags"),
        file: Number(words.args["file"] ?? 0),
        offset: words.wide("offset"),
      }),
  },
  munmap: range("munmap(2)", munmapFindings),
  mprotect: range("mprotect(2)", mprotectFindings, "prot"),
  madvise: range("madvise(2)", madviseFindings, "advice"),
  mlock: range("mlock(2)", mlockFindings),
  munlock: range("munlock(2)", munlockFindings),
  msync: range("msync(2)", msyncFindings),
  mincore: range("mincore(2)", mincoreFindings),
  mseal: range("mseal(2)", msealFindings),
  mlockall: {
    manual: "mlockall(2)",
    findings: (facts, words) => mlockallFindings(facts, words.word("flags")),
  },
  mremap: {
    manual: "mremap(2)",
    findings: (facts, words) =>
      mremapFindings(facts, {
        address: words.wide("address"),
        oldLength: words.wide("oldLength"),
        newLength: words.wide("newLength"),
        flags: words.word("flags"),
        newAddress: words.wide("newAddress"),
      }),
  },
  setVmaName: {
    manual: "PR_SET_VMA(2const)",
    findings: (facts, words) =>
      nameFindings(facts, words.wide("address"), words.wide("length"), words.text("name")),
  },
  remapFilePages: {
    manual: "remap_file_pages(2)",
    findings: (facts, words) =>
      remapFilePagesFindings(facts, {
        address: words.wide("address"),
        length: words.wide("length"),
        prot: words.word("prot"),
        pgoff: words.wide("pgoff"),
      }),
  },
};

/** Null: no check explains it; the engine's own memory is full, perhaps. */
export function whyRefused(core: Core, mm: number, call: RefusedCall): Refusal | null {
  const checks = CHECKS[call.syscall];
  if (checks === undefined) return null;
  const { manual } = checks;
  for (const { code, text } of checks.findings(new Facts(core, mm), new Words(call.args))) {
    if (code === call.code) return { code, text, manual };
  }
  return null;
}

/** Every check that does not hold, in order: empty for a call that would be answered. */
export function refusals(core: Core, mm: number, call: Omit<RefusedCall, "code">): Finding[] {
  const checks = CHECKS[call.syscall];
  if (checks === undefined) return [];
  return [...checks.findings(new Facts(core, mm), new Words(call.args))];
}

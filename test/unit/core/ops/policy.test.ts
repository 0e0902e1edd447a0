// ops/policy.ts: MDWE, READ_IMPLIES_EXEC and what a child keeps (R-MDWE-*, R-PERS-1).

import { describe, expect, test } from "vitest";
import { MmFlag, MmStat } from "../../../../assembly/shared/abi.js";
import { Prot } from "../../../../src/index.js";
import { letterOf, outcome, protOf, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, RW } from "../../../support/engine.js";

async function under(flags: number, drawing = ""): Promise<Sketch> {
  const s = await sketch(drawing);
  s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), flags);
  return s;
}

const LETTERS = [..."NRBWEXCA"];

describe("MDWE", () => {
  test.each(LETTERS)("mmap of %s", async (letter) => {
    const s = await under(MmFlag.MDWE);
    const refused = letter === "C" || letter === "A"; // write and exec together
    expect(outcome(() => s.mmap(0, 1, protOf(letter)))).toBe(refused ? "EACCES" : "ok");
    s.expect(refused ? "" : letter);
  });

  test.each(LETTERS.flatMap((from) => LETTERS.map((to) => [from, to] as const)))(
    "mprotect from %s to %s",
    async (from, to) => {
      const s = await under(MmFlag.MDWE);
      // What write and exec together began with, it had before the setting.
      s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), 0);
      s.mmap(0, 1, protOf(from));
      s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), MmFlag.MDWE);
      const prot = protOf(to);
      const gains = (prot & 4) !== 0 && (protOf(from) & 4) === 0;
      const both = (prot & 6) === 6;
      expect(outcome(() => s.mprotect(0, 1, prot))).toBe(gains || both ? "EACCES" : "ok");
      s.expect(gains || both ? from : to);
    },
  );
});

describe("READ_IMPLIES_EXEC", () => {
  test.each(LETTERS)("mmap of %s", async (letter) => {
    const s = await under(MmFlag.READ_IMPLIES_EXEC);
    const prot = protOf(letter);
    s.mmap(0, 1, prot);
    expect(s.vma(0).flags % 8).toBe(prot & 1 ? prot | 4 : prot);
  });

  test("mprotect likewise, where exec is possible", async () => {
    const s = await under(MmFlag.READ_IMPLIES_EXEC, "N");
    s.mprotect(0, 1, RW);
    s.expect("A");
    expect(letterOf(s.vma(0))).toBe("A");
  });

  test("with MDWE: a readable writable mapping is refused", async () => {
    const s = await under(MmFlag.READ_IMPLIES_EXEC | MmFlag.MDWE);
    s.refuses("EACCES", () => s.mmap(0, 1, RW));
    s.mmap(0, 1, Prot.WRITE);
    s.expect("B");
  });
});

test("settings are one word, read back by mm_stat", async () => {
  const s = await under(MmFlag.MDWE | MmFlag.NO_VMA_NAMES, "W");
  const { exports } = s.engine.raw;
  expect(exports.mm_stat(s.mm.asRaw(), MmStat.FLAGS)).toBe(9);
  expect(exports.set_vma_name(s.mm.asRaw(), s.at(0), PAGE, 0)).toBe(-22);
});

// One sentence a step: what split, what merged, what refused, with the manual page.

import { describe, expect, test } from "vitest";
import { VM_FLAG_CODES } from "../../src/formats/vmflags.js";
import { Machine, type Start } from "../../web/app/machine.js";
import { Store } from "../../web/app/store.js";
import { readCommand } from "../../web/command/read.js";
import { SMALL_PROCESS } from "../../web/presets/first.js";
import { stepOf } from "../../web/why/borders.js";
import { sentenceOf } from "../../web/why/sentence.js";
import { spellCodes, spellReason } from "../../web/why/words.js";

const EMPTY: Start = { options: { startBrk: 0x20000000 }, vmas: [] };

/** Runs commands; the sentence about the last one. */
async function said(start: Start, ...lines: string[]): Promise<string> {
  const store = new Store(await Machine.create(), start);
  for (const line of lines) store.run(readCommand(line));
  const { text, page } = sentenceOf(store.moment.value, store.machine);
  return `${text} ${page}`;
}

const FOUR = "mmap 4p rw fixed at 10000000";

describe("what was done", () => {
  test.each([
    [[FOUR], /^A new VMA of 16K: no neighbour touches it\. mmap\(2\)$/],
    [[FOUR, "mmap 1p rw fixed at 10004000"], /^The new range became part of the VMA below: flags/],
    [[FOUR, "mmap 1p rw fixed at ffff000"], /^The new range became part of the VMA above: flags/],
    [
      [
        "mmap 1p rw fixed at 10000000",
        "mmap 1p rw fixed at 10002000",
        "mmap 1p rw fixed at 10001000",
      ],
      /became part of both neighbours/,
    ],
    [
      [FOUR, "mmap 1p r fixed at 10004000"],
      /A new VMA of 4K: it does not merge with the VMA below: flags differ: left has wr \(writable\), ac \(accounted\)\./,
    ],
    [[FOUR, "mmap 2p r fixed at 10001000"], /^MAP_FIXED unmapped what was there; a new VMA of 8K/],
    [[FOUR, "munmap 10000000 4p"], /^The VMA is gone whole\. munmap\(2\)$/],
    [[FOUR, "munmap 10001000 1p"], /^A hole in the middle: one VMA became two/],
    [[FOUR, "munmap 10003000 1p"], /^The VMA lost its end: a cut, no split\./],
    [[FOUR, "munmap 10000000 1p"], /^The VMA lost its start: a cut, no split\./],
    [[FOUR, "munmap 20000000 1p"], /^Nothing was mapped there/],
    [
      [FOUR, "mprotect 10001000 1p r"],
      /^The VMA of 16K was split in three: one part became r--, and the changed part does not merge with the VMA below: flags differ/,
    ],
    [
      [FOUR, "mprotect 10001000 1p r", "mprotect 10001000 1p rw"],
      /^Three VMAs became one: flags, file, offset, anon_vma and name agree across all borders again\. mprotect\(2\)$/,
    ],
    [
      [FOUR, "mprotect 10000000 1p r", "mprotect 10001000 1p r"],
      /^The border moved: part of a VMA became r-- and joined/,
    ],
    [[FOUR, "mprotect 10000000 4p r"], /^The whole VMA became r--, without a split\./],
    [[FOUR, "mprotect 10000000 4p rw"], /^The range had this protection already/],
    [
      [FOUR, "madvise 10000000 1p dontfork"],
      /was split in two: one part became \+dc \(not copied on fork\), and /,
    ],
    [[FOUR, "madvise 10000000 1p dontneed"], /^This advice is about pages/],
    [
      [FOUR, "name 10000000 1p arena"],
      /was split in two: one part became its name, and .*names differ/,
    ],
    [[FOUR, "mremap 10000000 4p 6p"], /^Grown in place/],
    [[FOUR, "mremap 10000000 4p 2p"], /^Shrunk in place/],
    [[FOUR, "mremap 10000000 4p 4p maymove fixed to 30000000"], /^Moved to 0x30000000/],
    [["brk 20002000"], /^The heap begins.* brk\(2\)$/],
    [["brk 20002000", "brk 20004000"], /^The heap grew: the new range merged/],
    [["brk 20002000", "brk 20001000"], /^The heap shrank/],
    [[FOUR, "fault 10000000 write"], /^The first write gave the VMA its anon_vma/],
    [[FOUR, "fault 10000000 read"], /^The read is served/],
    [["rlimit as 1G"], /^The limit holds from now on/],
  ])("%j", async (lines, text) => {
    expect(await said(EMPTY, ...lines)).toMatch(text);
  });

  test("a stack that grows", async () => {
    expect(await said(SMALL_PROCESS, "fault 7ffffffdc000 write")).toMatch(/^The stack grew down/);
  });
});

describe("what was refused", () => {
  test.each([
    [["mmap 0 rw"], /^EINVAL: the length is 0\. mmap\(2\)$/],
    [
      [FOUR, "mprotect 10000000 5p r"],
      /^ENOMEM: nothing is mapped at \[0x10004000, 0x10005000\)\. What came before it stays done\./,
    ],
    [
      [FOUR, "mmap 4K r shared file /x", "mmap 1p r fixed noreplace at 10000000"],
      /^EEXIST: .* is mapped already/,
    ],
    [[FOUR, "mlock2 10000000 1p flags=0x8"], /^EINVAL: unknown flags 0x8.* mlock\(2\)$/],
    [[FOUR, "name 10000000 1p a[b"], /^EINVAL: a name may not have "\[" in it\. PR_SET_VMA/],
    [[FOUR, "mseal 10000000 4p", "munmap 10000000 1p"], /^EPERM: \[.*\) is sealed by mseal\(2\)/],
    [["fault 5000"], /^SIGSEGV: nothing is mapped there\. mmap\(2\)$/],
    [
      ["mmap 1p r fixed at 10000000", "fault 10000000 write"],
      /^SIGSEGV: r--p does not allow to write/,
    ],
    [[FOUR, "madvise 10000000 1p guard_install", "fault 10000000"], /^SIGSEGV: a guard page/],
    [
      ["brk 20001000", "mmap 1p r fixed at 20003000", "brk 20004000"],
      /^The break stays at 0x20001000: an anonymous VMA at 0x20003000 is in the way/,
    ],
  ])("%j", async (lines, text) => {
    expect(await said(EMPTY, ...lines)).toMatch(text);
  });
});

describe("codes of smaps", () => {
  test("each has its words", () => {
    for (const code of VM_FLAG_CODES.filter((code) => code !== "??")) {
      expect(spellCodes(code)).toMatch(new RegExp(`^${code} \\(.+\\)$`));
      expect(spellCodes(`-${code}`)).toMatch(/^-../);
    }
  });

  test("in a reason, on both sides", () => {
    expect(spellReason("flags differ: left has nr, right has ac")).toBe(
      "flags differ: left has nr (reserves no swap), right has ac (accounted)",
    );
    expect(spellReason("anon_vmas differ: left has one that came with fork")).toBe(
      "anon_vmas differ: left has one that came with fork",
    );
  });
});

describe("borders", () => {
  const AT = 0x10000000;
  test.each([
    ["mprotect 10001000 1p r", { splits: [AT + 0x1000, AT + 0x2000], merges: [], growths: [] }],
    ["mmap 1p rw fixed at ffff000", { splits: [], merges: [], growths: [AT] }],
    ["mmap 1p rw fixed at 10004000", { splits: [], merges: [], growths: [AT + 0x4000] }],
    ["munmap 10000000 1p", { splits: [], merges: [], growths: [] }],
    ["munmap 10001000 1p", { splits: [], merges: [], growths: [] }],
  ])("after %s", async (line, borders) => {
    const store = new Store(await Machine.create(), EMPTY);
    for (const command of [FOUR, line]) store.run(readCommand(command));
    expect(stepOf(store.moment.value)).toMatchObject(borders);
  });
});

test("the start of a log", async () => {
  expect(await said(EMPTY)).toBe("The start of the log: nothing has been called yet. null");
});

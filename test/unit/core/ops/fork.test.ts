// ops/fork.ts: a copy of an address space (R-FORK-*).

import { describe, expect, test } from "vitest";
import { MmFlag, MmStat } from "../../../../assembly/shared/abi.js";
import { MapFlags, type MmWithUser, Prot } from "../../../../src/index.js";
import { setRlimits } from "../../../../src/process.js";
import { drawingOf, outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { liveObjects, PAGE, PRIVATE_ANON, RW } from "../../../support/engine.js";

describe("what the child has", () => {
  test.each([
    ["everything, VMA by VMA", "WWRX.AF", "WWRX.AF"],
    ["not what DONTFORK marks (R-FORK-2)", "WDDW", "W..W"],
    ["no locks (R-FORK-1)", "WlLR", "WwwR"],
    ["wiped memory untouched, the mark kept (R-FORK-3, 5)", "zzW", "ZZW"],
    ["touched memory as touched (R-AV-23)", "w.f", "w.f"],
    ["shared memory shared", "HH", "HH"],
    ["seals (R-SEAL-19)", "KW", "KW"],
    ["nothing of nothing", "", ""],
  ])("%s", async (_name, parent, child) => {
    const s = await sketch(parent);
    const before = drawingOf(s.mm);
    using made = s.mm.fork();
    s.expect(child, made);
    s.expect(before);
  });

  test("halves that could merge stay halves (R-FORK-4)", async () => {
    const s = await sketch("WWKK");
    expect(outcome(() => s.munmap(1, 2))).toBe("EPERM");
    s.expect("W|WKK");
    using child = s.mm.fork();
    s.expect("W|WKK", child);
  });

  test("pgoff and files of its own", async () => {
    const s = await sketch(".FF.w");
    s.move(4, 1, 6);
    using child = s.mm.fork();
    expect(child.vmas().map((v) => v.pgoff)).toEqual(s.mm.vmas().map((v) => v.pgoff));
    s.file.dispose();
    s.munmap(0, 8);
    expect(s.engine.stats().memory.kinds.file.live).toBe(1); // the child's reference
  });

  test("a touched VMA gets an identity of its own: new neighbours do not merge (R-AV-9)", async () => {
    const s = await sketch("w.");
    using child = s.mm.fork();
    expect(child.vmas()[0]?.anonVma).not.toBe(s.vma(0).anonVma);
    const map = { address: s.at(1), length: PAGE, prot: RW, flags: PRIVATE_ANON | MapFlags.FIXED };
    child.mmap(map);
    s.expect("wW", child);
    s.mm.mmap(map);
    s.expect("ww"); // the parent is unaffected, the child alive (R-AV-10)
  });

  test("an untouched VMA merges in the child as ever (R-AV-11)", async () => {
    const s = await sketch("W.");
    using child = s.mm.fork();
    child.mmap({ address: s.at(1), length: PAGE, prot: RW, flags: PRIVATE_ANON | MapFlags.FIXED });
    s.expect("WW", child);
  });

  test("halves of one child VMA re-merge (R-AV-12)", async () => {
    const s = await sketch("www");
    using child = s.mm.fork();
    child.mprotect(s.at(1), PAGE, Prot.READ);
    s.expect("wrw", child);
    child.mprotect(s.at(1), PAGE, RW);
    s.expect("www", child);
  });

  test("a hole in touched memory, filled again, does not merge (R-FORK-7)", async () => {
    const s = await sketch("www");
    using child = s.mm.fork();
    child.munmap(s.at(1), PAGE);
    child.mmap({ address: s.at(1), length: PAGE, prot: RW, flags: PRIVATE_ANON | MapFlags.FIXED });
    s.expect("wWw", child);
  });

  test("parts of one parent VMA, touched, have two identities in the child", async () => {
    const s = await sketch("ww");
    s.mprotect(1, 1, Prot.READ);
    using child = s.mm.fork();
    child.mprotect(s.at(1), PAGE, RW);
    s.expect("w|w", child);
    s.mprotect(1, 1, RW);
    s.expect("ww");
  });

  test("moved back beside untouched memory, a child's does not clone its identity (R-REMAP-39, 40)", async () => {
    const s = await sketch("ww");
    using child = s.mm.fork();
    const awayAndBack = (mm: MmWithUser) => {
      const one = { oldLength: PAGE, newLength: PAGE, flags: 3 };
      mm.munmap(s.at(0), PAGE);
      mm.mremap({ ...one, address: s.at(1), newAddress: s.at(6) });
      const flags = PRIVATE_ANON | MapFlags.FIXED;
      mm.mmap({ address: s.at(0), length: PAGE, prot: RW, flags });
      mm.mremap({ ...one, address: s.at(6), newAddress: s.at(1) });
    };
    awayAndBack(child);
    s.expect("Ww", child);
    awayAndBack(s.mm);
    s.expect("ww");
  });
});

describe("counters of the child (R-FORK-12)", () => {
  test("are the parent's without DONTCOPY; locked is 0; map_count is counted", async () => {
    const s = await sketch("WWDDDXXLLG");
    const parent = s.mm.stat();
    expect(parent).toMatchObject({ totalVm: 10, dataVm: 7, execVm: 2, stackVm: 1, lockedVm: 2 });
    using child = s.mm.fork();
    expect(child.stat()).toMatchObject({
      totalVm: 7,
      dataVm: 4,
      execVm: 2,
      stackVm: 1,
      lockedVm: 0,
      mapCount: parent.mapCount - 1,
    });
    expect({ ...s.mm.stat(), sequence: 0 }).toEqual({ ...parent, sequence: 0 });
  });

  test("the break, places and limits are copied, and then its own", async () => {
    const s = await sketch("", { rlimits: { as: 8 * PAGE } });
    const heap = s.mm.brk(s.mm.brk() + 2 * PAGE);
    using child = s.mm.fork();
    expect(child.brk()).toBe(heap);
    child.brk(heap - PAGE);
    expect(s.mm.brk()).toBe(heap);
    setRlimits(s.mm, { as: 100 * PAGE });
    const map = { length: 8 * PAGE, prot: Prot.READ, flags: PRIVATE_ANON };
    expect(outcome(() => child.mmap(map))).toBe("ENOMEM");
    expect(outcome(() => s.mm.mmap(map))).toBe("ok");
  });

  test("what is accounted is charged again; a refusal is ENOMEM and leaves no child", async () => {
    const s = await sketch("WWWWRR", { overcommit: "never", totalRam: 8 * PAGE });
    const before = liveObjects(s.engine);
    const x = s.engine.raw.exports;
    expect(x.mm_stat(s.mm.asRaw(), MmStat.COMMIT)).toBe(4);
    using child = s.mm.fork();
    expect(x.mm_stat(child.asRaw(), MmStat.COMMIT)).toBe(4);
    child.dispose();
    expect(liveObjects(s.engine)).toBe(before);
  });
});

describe("settings", () => {
  const flagsOf = (s: Sketch, flags: number) => {
    const x = s.engine.raw.exports;
    x.mm_flags_set(s.mm.asRaw(), flags);
    using child = s.mm.fork();
    return x.mm_stat(child.asRaw(), MmStat.FLAGS);
  };

  test("MDWE is inherited, unless told not to", async () => {
    const s = await sketch("");
    expect(flagsOf(s, MmFlag.MDWE)).toBe(MmFlag.MDWE);
    expect(flagsOf(s, MmFlag.MDWE | MmFlag.MDWE_NO_INHERIT)).toBe(0);
    expect(flagsOf(s, MmFlag.READ_IMPLIES_EXEC)).toBe(MmFlag.READ_IMPLIES_EXEC);
  });

  test("names go along", async () => {
    const s = await sketch("WW");
    const { exports } = s.engine.raw;
    exports.set_vma_name(s.mm.asRaw(), s.at(0), PAGE, 0);
    const live = () => s.engine.stats().memory.kinds.name.live;
    const before = live();
    const child = s.mm.fork();
    expect(child.vmas().map((v) => v.name)).toEqual(s.mm.vmas().map((v) => v.name));
    expect(live()).toBe(before); // a reference, not a copy
    s.munmap(0, 2);
    expect(live()).toBe(before);
    child.dispose();
    expect(live()).toBe(0);
  });
});

test("a child of a child of a child", async () => {
  const s = await sketch("wR.D");
  using a = s.mm.fork();
  using b = a.fork();
  using c = b.fork();
  s.munmap(0, 4);
  a.munmap(s.at(0), PAGE);
  s.expect("");
  s.expect(".R", a);
  s.expect("wR", b);
  s.expect("wR", c);
});

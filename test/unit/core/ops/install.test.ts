// ops/install.ts: putting a VMA as described into a free range; what exec sets up.

import { describe, expect, test } from "vitest";
import { MmStat } from "../../../../assembly/shared/abi.js";
import { VmFlags } from "../../../../src/index.js";
import { type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE } from "../../../support/engine.js";

const PLAIN = VmFlags.READ + VmFlags.MAYREAD + VmFlags.MAYWRITE + VmFlags.MAYEXEC;

const install = (s: Sketch, start: number, end: number, flags = PLAIN, pgoff = 0, file = 0) =>
  s.engine.raw.exports.vma_install(s.mm.asRaw(), start, end, flags, pgoff, file);

test("puts it exactly there and merges with nobody", async () => {
  const s = await sketch("R.R");
  expect(install(s, s.at(1), s.at(2), PLAIN, s.at(1) / PAGE)).toBe(0);
  s.expect("R|R|R");
  expect(s.vma(1)).toMatchObject({ flags: PLAIN, pgoff: s.at(1) / PAGE });
});

test("counters follow its flags, commit too", async () => {
  const s = await sketch("");
  const data = PLAIN + VmFlags.WRITE + VmFlags.ACCOUNT + VmFlags.LOCKED;
  install(s, s.at(0), s.at(3), data);
  install(s, s.at(4), s.at(5), PLAIN + VmFlags.EXEC);
  install(s, s.at(8), s.at(9), data + VmFlags.GROWSDOWN);
  expect(s.mm.stat()).toMatchObject({
    totalVm: 5,
    dataVm: 3,
    execVm: 1,
    stackVm: 1,
    lockedVm: 4,
    mapCount: 3,
  });
  expect(s.engine.raw.exports.mm_stat(s.mm.asRaw(), MmStat.COMMIT)).toBe(4);
  expect(s.mm.validate()).toEqual([]);
});

test("takes a reference of its file", async () => {
  const s = await sketch("");
  const file = s.engine.openFile({ name: "/f" });
  install(s, s.at(0), s.at(1), PLAIN, 7, file.asRaw());
  file.dispose();
  expect(s.vma(0)).toMatchObject({ pgoff: 7, name: "/f" });
  s.munmap(0);
  expect(s.engine.stats().memory.kinds.file.live).toBe(0);
});

describe("refused", () => {
  test.each<[string, number, (s: Sketch) => number]>([
    ["misaligned start", -22, (s) => install(s, s.at(2) + 1, s.at(3))],
    ["misaligned end", -22, (s) => install(s, s.at(2), s.at(3) + 1)],
    ["empty", -22, (s) => install(s, s.at(2), s.at(2))],
    ["end before start", -22, (s) => install(s, s.at(3), s.at(2))],
    ["outside the space", -22, (s) => install(s, 2 ** 47, 2 ** 47 + PAGE)],
    ["not free", -17, (s) => install(s, s.at(0), s.at(3))],
  ])("%s", async (_name, code, call) => {
    const s = await sketch(".W");
    expect(call(s)).toBe(code);
    s.expect(".W");
  });

  test("out of memory", async () => {
    const s = await sketch(".W");
    s.engine.raw.exports.fail_after(1);
    expect(install(s, s.at(3), s.at(4))).toBe(-12);
    s.expect(".W");
  });
});

test("special mappings of a file show its name and no offset", async () => {
  const s = await sketch("");
  using file = s.engine.openFile({ name: "[vdso]", kind: "special" });
  install(s, s.at(0), s.at(2), PLAIN + VmFlags.EXEC + VmFlags.DONTEXPAND, 3, file.asRaw());
  expect(s.mm.maps()).toBe(`10000000-10002000 r-xp 00000000 00:00 0${" ".repeat(34)}[vdso]\n`);
});

test("mm_brk_init sets the heap, the data segment and the stack's address", async () => {
  const s = await sketch("W");
  const { exports } = s.engine.raw;
  const mm = s.mm.asRaw();
  exports.mm_brk_init(mm, s.at(2), s.at(3), 5 * PAGE, s.at(0) + 8);
  expect(s.mm.stat()).toMatchObject({ startBrk: s.at(2), brk: s.at(3) });
  expect(exports.mm_stat(mm, MmStat.DATA_SEGMENT)).toBe(5 * PAGE);
  expect(s.mm.vmas().map((v) => v.name)).toEqual(["[stack]"]);
  expect(s.mm.brk(s.at(4))).toBe(s.at(4));
  s.expect("W..W");
});

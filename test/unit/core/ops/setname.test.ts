// ops/setname.ts: PR_SET_VMA_ANON_NAME (R-NAME).

import { describe, expect, test } from "vitest";
import { MmFlag } from "../../../../assembly/shared/abi.js";
import { type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, RW, SHARED_ANON } from "../../../support/engine.js";

const EINVAL = -22;
const ENOMEM = -12;
const EBADF = -9;

/** Names `pages` pages; null takes the name away. */
function setName(s: Sketch, page: number, pages: number, name: string | null): number {
  const { core } = s.engine.context;
  if (name !== null) core.u8.set(new TextEncoder().encode(name));
  const length = name === null ? -1 : name.length;
  return core.x.set_vma_name(s.mm.asRaw(), s.at(page), s.bytes(pages), length);
}

const names = (s: Sketch) => s.mm.vmas().map((vma) => vma.name);
const live = (s: Sketch) => s.engine.stats().memory.kinds.name.live;

describe("naming splits and merges", () => {
  test("the middle of a VMA splits it, maps shows the name", async () => {
    const s = await sketch("WWWW");
    expect(setName(s, 1, 2, "a b")).toBe(0);
    s.expect("W|WW|W");
    expect(names(s)).toEqual([null, "[anon:a b]", null]);
  });

  test("equal names merge, also of two calls; other names and none do not", async () => {
    const s = await sketch("WWWW");
    setName(s, 0, 1, "x");
    setName(s, 1, 1, "x");
    s.expect("WW|WW");
    setName(s, 2, 1, "y");
    s.expect("WW|W|W");
    expect(names(s)).toEqual(["[anon:x]", "[anon:y]", null]);
  });

  test("the same name again is no change", async () => {
    const s = await sketch("WW");
    setName(s, 0, 2, "x");
    setName(s, 0, 1, "x");
    s.expect("WW");
  });

  test("taking it away merges again and frees it", async () => {
    const s = await sketch("WWW");
    setName(s, 1, 1, "x");
    expect(live(s)).toBe(1);
    setName(s, 0, 3, null);
    s.expect("WWW");
    expect(live(s)).toBe(0);
  });

  test("the empty name is a name", async () => {
    const s = await sketch("WW");
    setName(s, 0, 1, "");
    s.expect("W|W");
    expect(names(s)).toEqual(["[anon:]", null]);
  });

  test("a new mapping beside a named one does not join it", async () => {
    const s = await sketch("W.");
    setName(s, 0, 1, "x");
    s.mmap(1, 1, RW);
    s.expect("W|W");
  });

  test("goes with splits, moves and their ends", async () => {
    const s = await sketch("WWWW........");
    setName(s, 0, 4, "x");
    s.munmap(1, 1);
    s.move(2, 2, 8);
    expect(names(s)).toEqual(["[anon:x]", "[anon:x]"]);
    expect(live(s)).toBe(1);
    s.munmap(0, 12);
    expect(live(s)).toBe(0);
  });
});

describe("what may be named", () => {
  test("shared anonymous memory, shown as such", async () => {
    const s = await sketch("");
    s.mm.mmap({ address: s.at(0), length: PAGE, prot: RW, flags: SHARED_ANON | 0x10 });
    expect(setName(s, 0, 1, "x")).toBe(0);
    expect(names(s)).toEqual(["[anon_shmem:x]"]);
  });

  test("a file is not: EBADF; what came before keeps the name", async () => {
    const s = await sketch("WF");
    expect(setName(s, 0, 2, "x")).toBe(EBADF);
    expect(names(s)).toEqual(["[anon:x]", "/file"]);
  });

  test.each([
    ["W.W", "inside"],
    [".WW", "in front"],
    ["WW.", "behind"],
  ])("%s: a hole %s does not stop it, and the answer is ENOMEM", async (drawing) => {
    const s = await sketch(drawing);
    expect(setName(s, 0, 3, "x")).toBe(ENOMEM);
    expect(names(s).every((name) => name === "[anon:x]")).toBe(true);
  });

  test.each(["\\", "`", "$", "[", "]", "\n", "\x7f", "a\tb"])(
    "%j in a name: EINVAL",
    async (name) => {
      const s = await sketch("W");
      expect(setName(s, 0, 1, name)).toBe(EINVAL);
      expect(live(s)).toBe(0);
    },
  );

  test("79 characters and no more", async () => {
    const s = await sketch("W");
    expect(setName(s, 0, 1, "n".repeat(80))).toBe(EINVAL);
    expect(setName(s, 0, 1, "n".repeat(79))).toBe(0);
    expect(names(s)).toEqual([`[anon:${"n".repeat(79)}]`]);
  });

  test("misaligned, wrapping: EINVAL; length 0 is nothing", async () => {
    const s = await sketch("W");
    const { exports } = s.engine.raw;
    const call = (address: number, length: number) =>
      exports.set_vma_name(s.mm.asRaw(), address, length, 0);
    expect(call(s.at(0) + 1, PAGE)).toBe(EINVAL);
    expect(call(s.at(9), 0)).toBe(0);
    const wide = exports as unknown as {
      set_vma_name_i64(mm: number, address: bigint, length: bigint, n: number): number;
    };
    const huge = 2n ** 64n;
    expect(wide.set_vma_name_i64(s.mm.asRaw(), 0n, huge - 1n, 0)).toBe(EINVAL);
    expect(wide.set_vma_name_i64(s.mm.asRaw(), 0x10000000n, huge - 4096n, 0)).toBe(EINVAL);
    s.expect("W");
  });

  test("a kernel without the option: EINVAL (R-NAME-0)", async () => {
    const s = await sketch("W");
    s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), MmFlag.NO_VMA_NAMES);
    expect(setName(s, 0, 1, "x")).toBe(EINVAL);
  });

  test("out of memory: ENOMEM for the name, EAGAIN for the split; nothing changes", async () => {
    const s = await sketch("WWW");
    const codes: number[] = [];
    for (let n = 1; ; n++) {
      s.engine.raw.exports.fail_after(n);
      const code = setName(s, 1, 1, "x");
      const struck = s.engine.raw.exports.fail_pending() === 0;
      s.engine.raw.exports.fail_after(0);
      if (!struck) break;
      codes.push(code);
      s.expect("WWW");
      expect(live(s)).toBe(0);
    }
    expect(new Set(codes).size).toBeLessThanOrEqual(2);
    expect(codes.every((code) => code === ENOMEM || code === -11)).toBe(true);
    s.expect("W|W|W");
  });
});

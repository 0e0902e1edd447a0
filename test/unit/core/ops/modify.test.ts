// ops/modify.ts: what mprotect, madvise, mlock and mseal share: a border moves, or VMAs split.

import { describe, expect, test } from "vitest";
import { Madvise, Prot } from "../../../../src/index.js";
import { outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE } from "../../../support/engine.js";

const OPERATIONS: readonly (readonly [name: string, change: (s: Sketch) => void, mark: string])[] =
  [
    ["mprotect", (s) => s.mprotect(1, 2, Prot.READ), "R"],
    ["madvise", (s) => s.madvise(1, 2, Madvise.DONTFORK), "D"],
    ["mseal", (s) => s.mm.mseal(s.at(1), 2 * PAGE), "K"],
    ["mlock2(ONFAULT)", (s) => s.mm.mlock(s.at(1), 2 * PAGE, 1), "L"],
  ];

describe.each(OPERATIONS)("%s", (_name, change, mark) => {
  test("in the middle makes three of one: two splits", async () => {
    const s = await sketch("WWWW");
    change(s);
    s.expect(`W${mark.repeat(2)}W`);
    expect(s.mm.stat().mapCount).toBe(3);
  });

  test("twice changes nothing more", async () => {
    const s = await sketch("WWWW");
    change(s);
    const twice = outcome(() => change(s));
    expect(twice).toBe("ok");
    s.expect(`W${mark.repeat(2)}W`);
  });

  test("at map_count 65530 minus one fails after the first split, which stays (R-PROT-31)", async () => {
    const s = await sketch("WWWW", { maxMapCount: 2 });
    const code = outcome(() => change(s));
    // Linux reports a failed split of madvise as EAGAIN.
    expect(code).toBe(mark === "D" ? "EAGAIN" : "ENOMEM");
    s.expect("W|WWW");
    expect(s.mm.stat()).toMatchObject({ mapCount: 2, totalVm: 4, lockedVm: 0 });
  });

  test("at the limit is refused with nothing changed", async () => {
    const s = await sketch("WWWW", { maxMapCount: 1 });
    s.refuses(mark === "D" ? "EAGAIN" : "ENOMEM", () => change(s));
  });

  test("at the limit needs no split when it covers the whole VMA", async () => {
    const s = await sketch(".WW.", { maxMapCount: 1 });
    change(s);
    s.expect(`.${mark.repeat(2)}`);
  });

  test("at the limit may still move a border (R-LIM-11)", async () => {
    const s = await sketch("WWW", { maxMapCount: 3 });
    change(s);
    s.expect(`W${mark.repeat(2)}`);
    expect(s.mm.stat().mapCount).toBe(2);
  });
});

test("a failed allocation changes nothing, not even a split", async () => {
  const s = await sketch("WWWW");
  const { exports } = s.engine.raw;
  for (const [, change, mark] of OPERATIONS) {
    exports.fail_after(1);
    s.refuses(mark === "D" ? "EAGAIN" : "ENOMEM", () => change(s));
    expect(exports.fail_pending()).toBe(0);
  }
});

test("a border moves between neighbours at the limit, in either direction", async () => {
  const s = await sketch("RRWW", { maxMapCount: 2 });
  s.mprotect(2, 1, Prot.READ);
  s.expect("RRRW");
  s.mprotect(1, 2, Prot.READ | Prot.WRITE);
  s.expect("RWWW");
});

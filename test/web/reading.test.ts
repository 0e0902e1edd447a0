// Rows read in part are the rows: what calls may have changed is read, the rest is copied.

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ArenaReader } from "../../web/app/arena.js";
import type { Call } from "../../web/app/call.js";
import { Machine } from "../../web/app/machine.js";
import type { Rows } from "../../web/app/rows.js";
import { Timeline } from "../../web/app/timeline.js";
import { touchedBy } from "../../web/app/touched.js";
import { anyCall } from "./calls.js";

const PAGE = 4096;
const BASE = 0x7000_0000_0000;
/** Calls fall into the first of them; with the others most of the map is copied. */
const PAGES_CALLED = 120;
const PAGES = 1200;

/** Every other page of a stretch, in four kinds, one of them a file's. */
const START = {
  options: {},
  vmas: Array.from({ length: PAGES / 2 }, (_, i) => ({
    start: BASE + i * 2 * PAGE,
    end: BASE + (i * 2 + (i % 5 === 0 ? 2 : 1)) * PAGE,
    perms: ["rw-p", "r--p", "r-xp", "---p"][i % 4]!,
    offset: 0,
    inode: 0,
    name: i % 7 === 0 ? "/usr/lib/libc.so.6" : "",
  })),
};

const address = fc.nat({ max: PAGES_CALLED - 1 }).map((page) => BASE + page * PAGE);
const length = fc.integer({ min: 0, max: 12 }).map((pages) => pages * PAGE);
const of = (op: Call["op"], ...args: fc.Arbitrary<number>[]): fc.Arbitrary<Call> =>
  fc.tuple(...args).map((values) => ({ op, args: values, text: "" }));
const FIXED = 0x32;
const PR_SET_VMA = 0x53564d41;

/** Calls that meet the stretch. */
const near: fc.Arbitrary<Call> = fc.oneof(
  of("munmap", address, length),
  of("mprotect", address, length, fc.nat(7)),
  of("mmap", address, length, fc.nat(7), fc.constant(FIXED), fc.constant(-1), fc.constant(0)),
  fc
    .tuple(fc.constantFrom(0, BASE), length)
    .map<Call>(([at, bytes]) => ({ op: "mmap", args: [at, bytes, 1, 2, 3, 0], text: "/a" })),
  of("mremap", address, length, length, fc.constantFrom(0, 1, 3), address),
  of("madvise", address, length, fc.constantFrom(4, 10, 11, 14, 16)),
  of("mlock", address, length),
  of("munlock", address, length),
  of("mseal", address, length, fc.constant(0)),
  of("fault", address, fc.nat(2), length),
  fc.tuple(address, length, fc.nat(2)).map<Call>(([at, bytes, n]) => ({
    op: "prctl",
    args: [PR_SET_VMA, 0, at, bytes, n],
    text: n === 0 ? "" : `arena ${n}`,
  })),
);

/** The first field in which two readings differ; null: they are the same. */
function difference(a: Rows, b: Rows): string | null {
  if (a.count !== b.count || a.mappedBytes !== b.mappedBytes) return "count or bytes";
  for (const field of ["vma", "start", "end", "flags", "pgoff", "file", "anonVma"] as const) {
    const at = a[field].findIndex((value, row) => value !== b[field][row]);
    if (at >= 0) return `${field} of row ${at}`;
  }
  for (let row = 0; row < a.count; row++) {
    if (a.nameOf(row) !== b.nameOf(row)) return `name of row ${row}`;
  }
  return null;
}

describe("rows since another moment", () => {
  test("are all rows, whatever was called and wherever the cursor went", async () => {
    const machine = await Machine.create();
    const jumps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
    const calls = fc.array(fc.oneof({ arbitrary: near, weight: 9 }, anyCall), { maxLength: 30 });
    fc.assert(
      fc.property(calls, jumps, (drawn, shares) => {
        const timeline = new Timeline(machine, START);
        let known = machine.rows();
        let at = 0;
        const check = () => {
          known = machine.rowsSince(known, timeline.touched(at, timeline.cursor));
          at = timeline.cursor;
          expect(difference(known, machine.rows())).toBeNull();
        };
        for (const call of drawn) {
          if (call.op === "remap_file_pages") continue; // the engine has none
          timeline.run({ call });
          if (call.args[0] !== BASE) check();
        }
        for (const share of shares) {
          timeline.seek(Math.round(share * drawn.length));
          check();
        }
      }),
      { numRuns: 200 },
    );
  });

  test("are read only where something was called", async () => {
    const machine = await Machine.create();
    const timeline = new Timeline(machine, START);
    const read = vi.spyOn(ArenaReader.prototype, "readRows");
    const rowsRead = () =>
      read.mock.calls.reduce((sum, [{ count }, from = 0, to = count]) => sum + to - from, 0);
    let known = machine.rows();
    expect(rowsRead()).toBe(START.vmas.length);
    fc.assert(
      fc.property(near, (call) => {
        const from = timeline.cursor;
        timeline.run({ call });
        read.mockClear();
        known = machine.rowsSince(known, timeline.touched(from, from + 1));
        expect(rowsRead()).toBeLessThan(60);
      }),
      { numRuns: 500 },
    );
    read.mockRestore();
  });

  test("are all read where the spans prove too narrow, or the rows are of another log", async () => {
    const machine = await Machine.create();
    const timeline = new Timeline(machine, START);
    const known = machine.rows();
    timeline.run({ call: { op: "munmap", args: [BASE, PAGE], text: "" } });
    const elsewhere = [{ start: BASE + 20 * PAGE, end: BASE + 21 * PAGE }];
    expect(difference(machine.rowsSince(known, elsewhere), machine.rows())).toBeNull();
    expect(difference(machine.rowsSince(known, []), machine.rows())).toBeNull();
    const renamed = START.vmas.map((vma, i) => ({ ...vma, name: vma.name && `/file-${i}` }));
    timeline.begin({ ...START, vmas: renamed });
    expect(difference(machine.rowsSince(known, []), machine.rows())).toBeNull();
  });

  test("most calls say where they change something", () => {
    const span = { start: BASE, end: BASE + PAGE };
    const call: Call = { op: "munmap", args: [BASE, PAGE], text: "" };
    expect(touchedBy({ call, outcome: 0 })).toEqual([span]);
    expect(touchedBy({ call, outcome: 0, recorded: 0 })).toEqual([span]);
    expect(touchedBy({ call, outcome: 0, recorded: "EINVAL" })).toBeNull();
    expect(touchedBy({ call: { op: "fork", args: [1], text: "" }, outcome: 0 })).toBeNull();
    expect(
      touchedBy({ call: { op: "mincore", args: [BASE, 1, 0], text: "" }, outcome: 0 }),
    ).toEqual([]);
  });
});

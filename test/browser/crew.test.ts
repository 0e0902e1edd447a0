// The page's parts that need no browser: the command language and the bar's scale.

import { describe, expect, test } from "vitest";
import { parseCommand } from "../../web/crew/command/parse.js";
import { parseMaps } from "../../web/crew/space/maps.js";
import { scaleOf } from "../../web/crew/view/scale.js";

describe("a command", () => {
  test.each([
    ["mmap 64K", { verb: "mmap", length: 65536, prot: 3, address: 0, fixed: false, shared: false }],
    [
      "mmap 0x1000 fixed r-x at 7fff0000 shared",
      { verb: "mmap", length: 4096, prot: 5, address: 0x7fff0000, fixed: true, shared: true },
    ],
    ["munmap 0x10000 2MiB", { verb: "munmap", address: 0x10000, length: 2 ** 21 }],
    ["mprotect $+4K 4096 none", { verb: "mprotect", address: 0x6000, length: 4096, prot: 0 }],
    ["  FAULT 1000 ", { verb: "fault", address: 0x1000, access: "read" }],
    ["fault ffffffffffffffff exec", { verb: "fault", address: 2n ** 64n - 1n, access: "exec" }],
  ])("%s", (line, command) => {
    expect(parseCommand(line, 0x5000)).toEqual(command);
  });

  test.each([
    ["mremap 1 2", /"mremap" is no call I know/],
    ["munmap 1000", /a LENGTH is missing\. Usage: munmap ADDRESS LENGTH/],
    ["munmap 1000 4Q", /a LENGTH is bytes.* not "4Q"/],
    ["munmap stack 4K", /an ADDRESS is hexadecimal.* not "stack"/],
    ["munmap 10000000000000000 4K", /does not fit into 64 bits/],
    ["mprotect 1000 4K rwz", /a PROT is letters of r, w, x.* not "rwz"/],
    ["mmap 4K rw r", /"r" is one word too many/],
    ["fault 1000 poke", /an access is read, write or exec; not "poke"/],
    ["fault $", /call mmap first/],
  ])("that is none: %s", (line, message) => {
    expect(() => parseCommand(line, null)).toThrow(message);
  });
});

test("the bar covers the whole space, in order, to the last pixel", () => {
  const lines = [
    "00400000-00401000 r--p 00000000 08:02 7                                  /bin/a b",
    "00401000-00500000 r-xp 00001000 08:02 7                                  /bin/a b",
    "00502000-00503000 rw-p 00000000 00:00 0 ",
    "7fff00000000-7fff40000000 rw-s 00000000 00:00 0 ",
  ];
  const end = 2 ** 47 - 4096;
  const mappings = parseMaps(`${lines.join("\n")}\n`);
  expect(mappings[0]?.name).toBe("/bin/a b");

  const { pieces, breaks, clusters } = scaleOf(mappings, end, 800);
  expect(clusters.map((cluster) => cluster.mappings.length)).toEqual([3, 1]);
  expect(breaks).toHaveLength(3);
  expect(pieces.filter((piece) => piece.mapping !== null)).toHaveLength(4);
  let at = 0;
  let x = 0;
  for (const piece of pieces) {
    expect(piece.start).toBe(at);
    expect(piece.x).toBeCloseTo(x, 6);
    expect(piece.width).toBeGreaterThanOrEqual(3);
    at = piece.end;
    x += piece.width;
  }
  expect(at).toBe(end);
  expect(x).toBeCloseTo(800, 6);
});

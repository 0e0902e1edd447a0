// Permalinks: what goes in comes out, and of a broken one all that can be understood.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Entry, Outcome } from "../../web/app/call.js";
import type { Start } from "../../web/app/machine.js";
import { LINK_LIMIT, linkOf, readLink } from "../../web/log/link.js";
import { MPROTECT_THE_MIDDLE, SMALL_PROCESS } from "../../web/presets/first.js";
import { anyCall } from "./calls.js";

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom("EINVAL", "SEGV_MAPERR"),
);
const entry: fc.Arbitrary<Entry> = fc
  .tuple(anyCall, outcome, fc.option(outcome, { nil: undefined }))
  .map(([call, answered, recorded]) =>
    recorded === undefined ? { call, outcome: answered } : { call, outcome: answered, recorded },
  );
const page = fc.nat({ max: 2 ** 34 }).map((n) => n * 4096);
const start: fc.Arbitrary<Start> = fc.record({
  options: fc.record({ mmapBase: page, maxMapCount: fc.nat(65530) }),
  vmas: fc.array(
    fc.record({
      start: page,
      end: page,
      perms: fc.constantFrom("rw-p", "r-xs", "---p"),
      offset: page,
      inode: fc.nat(),
      name: fc.oneof(fc.constant("[heap]"), fc.string({ unit: "grapheme" })),
    }),
    { maxLength: 5 },
  ),
  files: fc.constant([{ name: "f0", size: 4096, writable: false }]),
});

/** What a log must come back as: a recorded outcome only where it differs. */
const plan = ({ call, outcome: answered, recorded }: Entry) =>
  recorded === undefined || recorded === answered ? { call } : { call, recorded };

const small = MPROTECT_THE_MIDDLE.map(({ call }) => ({ call, outcome: 0 }));

describe("a link", () => {
  test("brings the log back", async () => {
    await fc.assert(
      fc.asyncProperty(
        start,
        fc.array(entry, { maxLength: 30 }),
        fc.nat(40),
        async (from, log, at) => {
          const link = await linkOf(from, log, at);
          expect(link).toMatch(/^#log=1\.[\w-]+$/);
          expect(await readLink(link)).toEqual({
            start: from,
            planned: log.map(plan),
            cursor: Math.min(at, log.length),
            problem: null,
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  test("of the first example is short", async () => {
    expect((await linkOf(SMALL_PROCESS, small, 2)).length).toBeLessThan(800);
  });

  test("of a log that is too long is refused with the sizes", async () => {
    const many = fc.sample(entry, { numRuns: 4000, seed: 1 });
    await expect(linkOf(SMALL_PROCESS, many, 0)).rejects.toThrow(
      new RegExp(`would have \\d+ characters; ${LINK_LIMIT} is the most`),
    );
  });

  test("any other fragment is none", async () => {
    expect(await readLink("")).toBeNull();
    expect(await readLink("#section")).toBeNull();
  });
});

describe("a broken link", () => {
  test.each([
    ["#log=", /has no version/],
    ["#log=2.abc", /of version 2, and this page reads version 1/],
    ["#log=1.", /Nothing of it could be read/],
    ["#log=1.!!!", /Nothing of it could be read/],
    ["#log=1.AAAA", /damaged.*Nothing of it could be read/],
  ])("%s", async (fragment, message) => {
    const log = await readLink(fragment);
    expect(log?.problem).toMatch(message);
    expect(log?.planned).toEqual([]);
  });

  test("cut anywhere, keeps a beginning of the log and says so", async () => {
    const log = fc.sample(entry, { numRuns: 120, seed: 5 });
    const link = await linkOf(SMALL_PROCESS, log, 7);
    let most = 0;
    for (let length = 7; length < link.length; length += 13) {
      const read = await readLink(link.slice(0, length));
      expect(read?.problem).toMatch(/^The link is broken: /);
      const calls = read?.planned ?? [];
      expect(calls).toEqual(log.slice(0, calls.length).map(plan));
      most = Math.max(most, calls.length);
    }
    expect(most).toBeGreaterThan(60);
  });

  test("with any character changed, never throws, and tells damage or is the same log", async () => {
    const link = await linkOf(SMALL_PROCESS, small, 2);
    const whole = await readLink(link);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(link.length - 6),
        fc.constantFrom(..."AZaz09-_!% "),
        async (n, char) => {
          const at = n + 5;
          const read = await readLink(link.slice(0, at) + char + link.slice(at + 1));
          if (read?.problem === null) expect(read).toEqual(whole);
          else expect(read?.problem).toMatch(/^The link is broken: .*\.$/);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("with a line that is no call, keeps the calls before it and names the line", async () => {
    const text = 'start {"options":{},"vmas":[]}\nat 9\nmmap 4K rw\nfrobnicate\nmmap 8K rw\n';
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"));
    const bytes = Buffer.from(await new Response(stream).arrayBuffer());
    const read = await readLink(`#log=1.${bytes.toString("base64url")}`);
    expect(read?.planned).toHaveLength(1);
    expect(read?.cursor).toBe(1);
    expect(read?.problem).toMatch(
      /call 2 of 3: "frobnicate" is no call.* The first 1 calls are here/,
    );
  });
});

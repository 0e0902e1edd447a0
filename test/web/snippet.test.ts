// Snippets without a browser: what the compiler makes of them, and that each example runs.

import { describe, expect, test } from "vitest";
import * as maps from "../../src/formats/maps.js";
import * as vmaple from "../../src/index.js";
import * as why from "../../src/why.js";
import { compile, lineOf } from "../../web/snippet/compile.js";
import { EXAMPLES } from "../../web/snippet/examples.js";
import { showAll } from "../../web/snippet/show.js";

/** Runs a snippet in this thread; what it printed. */
async function run(source: string): Promise<string> {
  const compiled = compile(source);
  if ("error" in compiled)
    throw new Error(`line ${compiled.error.line}: ${compiled.error.message}`);
  const modules: Record<string, object> = { vmaple, "vmaple/maps": maps, "vmaple/why": why };
  const lines: string[] = [];
  const log = (...values: unknown[]) => lines.push(showAll(values));
  const body = `return (async () => {${compiled.code}\n})()`;
  await new Function("require", "exports", "console", body)(
    (name: string) => modules[name],
    {},
    { log },
  );
  return lines.join("\n");
}

const PRINTS: Readonly<Record<string, RegExp>> = {
  "Split a mapping": /rw-p .*\n.* r--p .*\n.* rw-p /,
  "Why do two not merge?": /vm_flags|flags/,
  "What is refused, and why": /^EINVAL 22 EINVAL: munmap\(address=0x1234/,
  "Lock one VMA": /^\d+ \(0x[0-9a-f]+\) \d+ \(0x[0-9a-f]+\)$/,
  "Read a maps file": /^4194304 \(0x400000\) .* r-xp \/bin\/true\n.* rw-p \/bin\/true$/,
};

test.each(EXAMPLES.map(({ title, source }) => [title, source] as const))(
  "example: %s",
  async (title, source) => {
    expect(await run(source)).toMatch(PRINTS[title]!);
    expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(8);
    for (const line of source.split("\n")) expect(line.length).toBeLessThanOrEqual(110);
  },
);

describe("compile", () => {
  test("takes types away and keeps every line where it was", () => {
    const source =
      'import { Prot, type MmError } from "vmaple";\n\ninterface Pair {\n  a: number;\n}\nboom();';
    const compiled = compile(source);
    const code = "code" in compiled ? compiled.code.split("\n") : [];
    expect(code[5]).toBe("boom();");
    expect(code.join("\n")).not.toMatch(/interface|number/);
  });

  test("names the line that is no TypeScript", () => {
    expect(compile("const a = 1;\nconst b = ;\n")).toEqual({
      error: { line: 2, message: expect.stringContaining("Unexpected token") },
    });
  });
});

test("an error's line is read off its stack, if it was thrown in the snippet", () => {
  const url = "blob:http://localhost/1-2";
  const stack = `Error: no\n    at f (http://localhost/a.js:9:1)\n    at ${url}:3:7`;
  expect(lineOf(stack, url)).toBe(3);
  expect(lineOf("Error: no\n    at f (http://localhost/a.js:9:1)", url)).toBeNull();
});

test("values are shown, however large or deep", () => {
  expect(showAll(["a", 1, 0x7fff0000, 5n, null, undefined])).toBe(
    "a 1 2147418112 (0x7fff0000) 5n null undefined",
  );
  expect(showAll([{ a: ["x"], b: new TypeError("no") }])).toBe('{ a: ["x"], b: TypeError: no }');
  const ring: { self?: object } = {};
  ring.self = ring;
  expect(showAll([ring])).toContain("{…}");
  expect(showAll([Array.from({ length: 500 }, () => 0)])).toContain("400 more");
  expect(showAll(["y".repeat(1e6)]).length).toBeLessThan(21_000);
});

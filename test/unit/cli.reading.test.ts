// The guide's commands and blocks, run as they stand.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const guide = readFileSync(`${ROOT}docs/reading-maps-and-strace.md`, "utf8");
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```/gms)];
const commands = blocks
  .filter(([, language]) => language === "sh")
  .flatMap(([, , text]) => text!.trim().split("\n"));
const programs = blocks.filter(([, language]) => language === "js").map(([, , text]) => text!);

describe("commands", () => {
  test.each(commands)("%s", (command) => {
    const [name, ...args] = command.split(" ");
    expect(name).toBe("vmaple");
    const done = spawnSync(process.execPath, ["dist/src/cli.js", ...args], { cwd: ROOT });
    // A difference is what --diff shows.
    expect(done.status).toBe(args.includes("--diff") ? 1 : 0);
    expect(done.stderr.toString()).toBe("");
    expect(done.stdout.length).toBeGreaterThan(20);
  });
});

test.each(programs)("block %#", (text) => {
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", text], { cwd: ROOT });
  expect(done.stderr.toString()).toBe("");
  expect(done.status).toBe(0);
  const said = done.stdout.toString();
  // What a comment says is printed is printed.
  if (text.includes("to the byte")) expect(said.trimEnd().split("\n").at(-1)).toBe("true");
  if (text.includes("mmap [")) expect(said).toBe("mmap [ 0, 8192, 3, 34, -1, 0 ] 7f0000000000\n");
});

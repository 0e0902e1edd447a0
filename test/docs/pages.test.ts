// Every code block of README.md and docs/ does what the page says.
//
// Goal     what a reader copies works, and prints what its comments say.
// Method   test/support/docs.ts makes programs of the blocks. tsc checks all typed ones at
//          once; each runs against the built package, which a file inside the package may
//          import by its name. `vmaple` lines run; `npm` lines must name a script.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { blocksOf, commandsOf, programOf } from "../support/docs.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = join(ROOT, "build/docs");
const BIN = join(OUT, "bin");
const SCRIPTS = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).scripts as object;
/** What a block may be written in; the last four are looked at by people only. */
const LANGUAGES = ["ts", "js", "sh", "text", "html", "c", "rust"];

const pages = ["README.md", "CONTRIBUTING.md", ...docs()].map((page) => {
  const blocks = blocksOf(ROOT, page);
  const name = page.replace(/\W/g, "-");
  return { page, name, blocks, program: programOf(page, blocks), commands: commandsOf(blocks) };
});

function docs(): string[] {
  return readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
}

/** tsc, of all pages at once. */
const SETUP_TIMEOUT_MS = 60_000;

let compiled: ReturnType<typeof node>;

beforeAll(() => {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(BIN, { recursive: true });
  symlinkSync(join(ROOT, "dist/src/cli.js"), join(BIN, "vmaple"));
  const typed: string[] = [];
  for (const { name, program } of pages) {
    if (program === null) continue;
    mkdirSync(join(OUT, name));
    for (const [file, text] of program.files) {
      writeFileSync(join(OUT, name, file), text);
      if (program.typed) typed.push(join(OUT, name, file));
    }
  }
  const lib = "es2023,esnext.disposable,dom";
  const how = ["--target", "es2022", "--module", "nodenext", "--lib", lib, "--types", "node"];
  const strict = ["--strict", "--noUncheckedIndexedAccess", "--skipLibCheck", "--ignoreConfig"];
  compiled = node(join(ROOT, "node_modules/typescript/bin/tsc"), ...how, ...strict, ...typed);
}, SETUP_TIMEOUT_MS);

test("pages are found, and blocks say what they are written in", () => {
  const strange = pages.flatMap(({ page, blocks }) =>
    blocks
      .filter(({ language }) => !LANGUAGES.includes(language))
      .map(({ language, line }) => `${page}:${line}: ${language || "nothing"}`),
  );
  expect(strange).toEqual([]);
  expect(pages.filter(({ program }) => program !== null).length).toBeGreaterThan(4);
});

test("typed blocks type-check", () => {
  expect(compiled.stdout).toBe("");
  expect(compiled.status).toBe(0);
});

test.each(pages.filter(({ program }) => program !== null))("the code of $page", ({ name }) => {
  const done = node(join(OUT, name, "page.mjs"));
  expect(done.stderr).toBe("");
  expect(done.status).toBe(0);
});

describe.each(pages.filter(({ commands }) => commands.length > 0))("$page", ({ commands }) => {
  test.each(commands)("$text", ({ text, status }) => {
    const [word, ...rest] = text.split(" ");
    if (word === "npm") {
      const scripts = text
        .split(" && ")
        .map((one) => one.replace(/^npm (run )?/, "").split(" ")[0]!);
      expect([...Object.keys(SCRIPTS), "ci"]).toEqual(expect.arrayContaining(scripts));
      return;
    }
    const command = word === "npx" ? rest.join(" ") : text;
    expect(command).toMatch(/^vmaple /);
    const env = { ...process.env, PATH: `${BIN}:${process.env["PATH"]}` };
    const done = spawnSync("sh", ["-c", command], { cwd: ROOT, encoding: "utf8", env });
    expect(done.stderr).toBe("");
    expect(done.status).toBe(status);
    expect(done.stdout.length).toBeGreaterThan(20);
  });
});

test("links lead somewhere", () => {
  const dead = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    ...docs(),
  ].flatMap((page) => {
    const text = readFileSync(join(ROOT, page), "utf8");
    return [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
      .map((target) => `${page}: ${target}`);
  });
  expect(dead).toEqual([]);
});

test("the module is as large as embedding.md says, about", () => {
  const page = readFileSync(join(ROOT, "docs/embedding.md"), "utf8");
  const kilobytes = gzipSync(readFileSync(join(ROOT, "dist/engine.wasm"))).length / 1000;
  const told = Number(/module \((\d+) KB gzipped\)/.exec(page)?.[1]);
  expect(Math.abs(told - kilobytes)).toBeLessThan(2);
});

test("README's picture is what its command draws", () => {
  const chart = join(OUT, "replay.svg");
  const trace = "fixtures/traces/python-stdlib.ndjson.gz";
  const drawn = node("dist/src/cli.js", "replay", trace, "--chart", chart);
  expect(drawn.status).toBe(0);
  expect(readFileSync(join(ROOT, "README.md"), "utf8")).toContain(
    `${trace} --chart docs/replay.svg`,
  );
  const picture = readFileSync(join(ROOT, "docs/replay.svg"), "utf8");
  expect(readFileSync(chart, "utf8")).toBe(picture);
});

function node(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", timeout: 50_000 });
}

// The command line: what it prints, and how it exits.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const GOOD = "fixtures/recordings/basic-1000.ndjson.gz";
const TRACE = "fixtures/traces/python-stdlib.ndjson.gz";
const FOLDER = mkdtempSync(join(tmpdir(), "vmaple-cli-"));
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

afterAll(() => rmSync(FOLDER, { recursive: true }));

function vmaple(...args: string[]) {
  const done = spawnSync(process.execPath, ["dist/src/cli.js", ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

function written(name: string, content: string | Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  return path;
}

const text = gunzipSync(readFileSync(join(ROOT, GOOD))).toString();
const lines = text.trimEnd().split("\n");

describe("help and version", () => {
  test.each([[["--help"]], [["replay", "--help"]], [["maps", "--help"]], [["bench", "--help"]]])(
    "%j tells usage, exit status and examples",
    (args) => {
      const { status, stdout, stderr } = vmaple(...args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(/Usage: vmaple [\s\S]*Exit status: 0 [\s\S]*Examples:\n {2}vmaple /);
    },
  );

  test.each([[["--help"]], [["replay", "--help"]], [["maps", "--help"]], [["bench", "--help"]]])(
    "the examples of %j need no file of the repository",
    (args) => {
      const [, examples] = vmaple(...args).stdout.split("Examples:\n");
      const paths = examples!.match(/[\w.*-]+\/[\w./*-]+/g) ?? [];
      expect(paths.filter((path) => existsSync(join(ROOT, dirname(path))))).toEqual([]);
    },
  );

  test.each([
    [["--version"]],
    [["replay", "--version"]],
    [["maps", "--version"]],
    [["bench", "--version"]],
  ])("%j", (args) => {
    expect(vmaple(...args)).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("bench", () => {
  test("--json prints the run's document and nothing else", () => {
    const names = ["bench", "index", "control", "--quick", "--workers", "3"];
    const { status, stdout } = vmaple(...names, "--only", "no such subject", "--json");
    expect(status).toBe(0);
    const { options, results, vmaple: measured } = JSON.parse(stdout);
    expect(options).toMatchObject({ rows: ["index", "control"], workers: 3, quick: true });
    expect(results).toEqual([]);
    expect(measured).toContain(version);
  });

  test("without the repository around it says so", () => {
    const installed = join(FOLDER, "installed");
    cpSync(join(ROOT, "dist"), join(installed, "dist"), { recursive: true });
    cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
    cpSync(join(ROOT, "node_modules/comlink"), join(installed, "node_modules/comlink"), {
      recursive: true,
    });
    const cli = join(installed, "dist/src/cli.js");
    const { status, stderr } = spawnSync(process.execPath, [cli, "bench"], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        "vmaple bench: no benchmarks here: they are in the repository, not the package; " +
        "see vmaple bench --help\n",
    });
  });
});

describe("bad usage exits 2 with one line", () => {
  test.each([
    [["bench", "--workers", "0"], /--workers must be a whole number from 1 to 32/],
    [["bench", "dance"], /^no row "dance"; there are index/],
    [["bench", "--loud"], /^vmaple bench: unknown option '--loud'; see vmaple bench --help\n$/],
  ])("%j", (args, line) => {
    const { status, stderr } = vmaple(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(line);
  });

  test.each([
    [[], "vmaple: a command is missing; see vmaple --help\n"],
    [
      ["dance"],
      'vmaple: unknown command "dance"; expected one of: replay, maps, bench; see vmaple --help\n',
    ],
    [["--loud"], "vmaple: unknown option '--loud'; see vmaple --help\n"],
    [["replay"], "vmaple replay: a FILE is missing; see vmaple replay --help\n"],
    [["replay", "--loud"], "vmaple replay: unknown option '--loud'; see vmaple replay --help\n"],
    [
      ["replay", "--workers", "many", GOOD],
      'vmaple replay: --workers must be a whole number from 0 to 32, not "many"; see vmaple replay --help\n',
    ],
    [
      ["replay", "--workers", "33", GOOD],
      'vmaple replay: --workers must be a whole number from 0 to 32, not "33"; see vmaple replay --help\n',
    ],
  ])("%j", (args, stderr) => {
    expect(vmaple(...args)).toEqual({ status: 2, stdout: "", stderr });
  });
});

describe("replay", () => {
  test("a recording and a trace without differences: one line each, exit 0", () => {
    expect(vmaple("replay", GOOD, TRACE)).toEqual({
      status: 0,
      stdout:
        `${GOOD}: 300 operations, 305 maps compared, 0 differences\n` +
        `${TRACE}: 1258 operations, 3 maps compared, 0 differences\n`,
      stderr: "",
    });
  });

  test("uncompressed input", () => {
    const path = written("plain.ndjson", text);
    const { status, stdout } = vmaple("replay", path);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `${path}: 300 operations, 305 maps compared, 0 differences\n`,
    });
  });

  test("a difference: what it is, the totals, exit 1", () => {
    const at = lines.findIndex((line) => line.includes('"r":"ENOMEM"'));
    const path = written("wrong.ndjson", text.replace('"r":"ENOMEM"', '"r":"EINVAL"'));
    const { status, stdout, stderr } = vmaple("replay", path);
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(`^${path}:${at + 1}: mprotect a=7 l=8 p=1$`),
      "  expected EINVAL",
      "  got      ENOMEM",
      `${path}: 300 operations, 305 maps compared, 1 differences`,
      "",
    ]);
  });

  test("--json prints one document", () => {
    const { status, stdout } = vmaple("replay", "--json", GOOD, "no-such-file");
    const document = JSON.parse(stdout);
    expect(status).toBe(2);
    expect(document).toMatchObject({
      differences: 0,
      files: [{ file: GOOD, kind: "recording", operations: 300, mapsCompared: 305, first: null }],
      errors: [{ file: "no-such-file", line: 1, expected: "a readable file", got: "ENOENT" }],
    });
  });

  test("--workers: fault workers beside the writer change nothing", () => {
    const { status, stdout } = vmaple("replay", "--workers", "2", TRACE);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /: 1258 operations, 3 maps compared, 0 differences\n {2}fault worker 1: \d+ faults, .*\n {2}fault worker 2: /,
    );
  });
});

describe("unreadable input: one line with file, line and what was expected; exit 2", () => {
  const cases: [name: string, content: string | Uint8Array, message: string | RegExp][] = [
    ["empty.ndjson", "", ":1: expected a recording, a trace or a strace log, got an empty file\n"],
    ["empty.ndjson.gz", "", ":1: expected gzip data, got an empty file\n"],
    ["text.ndjson.gz", "hello", ':1: expected gzip data, got "hello"\n'],
    [
      "words.log",
      "hello\nworld\n",
      ":1: expected a recording, a trace or a strace log, got other text\n",
    ],
    [
      "binary.log",
      Uint8Array.of(127, 69, 76, 70, 0, 0, 1),
      ":1: expected a recording, a trace or a strace log, got binary data\n",
    ],
    [
      "twice.ndjson.gz",
      gzipSync(gzipSync(text)),
      ":1: expected text in the gzip stream, got another gzip stream\n",
    ],
    ["schema.ndjson", text.replace('"schema":1', '"schema":7'), ":1: expected schema 1, got 7\n"],
    ["noheader.ndjson", '{"op":"mmap"}\n', ':1: expected a header with "schema"\n'],
    [
      "unknown.ndjson",
      [...lines.slice(0, 4), lines[4]!.replace(/"op":"\w+"/, '"op":"teleport"'), ""].join("\n"),
      /:5: expected "op" to be one of mmap, .*, got "teleport"\n$/,
    ],
    [
      "cut.ndjson",
      text.slice(0, text.indexOf("\n", 5000) + 20),
      /:\d+: expected one JSON object, got "\{\\"i\\":.*"\n$/,
    ],
    [
      "cut.ndjson.gz",
      gzipSync(text).subarray(0, 2500),
      /:\d+: expected an intact gzip stream, got unexpected end of file\n$/,
    ],
    [
      "noise.ndjson.gz",
      Uint8Array.of(0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
      ":1: expected an intact gzip stream, got unknown compression method\n",
    ],
  ];

  test.each(cases)("%s", (name, content, message) => {
    const path = written(name, content);
    const { status, stdout, stderr } = vmaple("replay", path);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr.startsWith(path)).toBe(true);
    const rest = stderr.slice(path.length);
    if (typeof message === "string") expect(rest).toBe(message);
    else expect(rest).toMatch(message);
    expect(stderr.split("\n").length).toBe(2);
  });

  test("a truncated stream names the line at which it ends", () => {
    const whole = gzipSync(text);
    const path = written("half.ndjson.gz", whole.subarray(0, whole.length / 2));
    const [, line] = /:(\d+): /.exec(vmaple("replay", path).stderr) ?? [];
    expect(Number(line)).toBeGreaterThan(10);
    expect(Number(line)).toBeLessThan(lines.length);
  });

  test("the other files are replayed all the same", () => {
    const { status, stdout } = vmaple("replay", "no-such-file", GOOD);
    expect(status).toBe(2);
    expect(stdout).toBe(`${GOOD}: 300 operations, 305 maps compared, 0 differences\n`);
  });
});

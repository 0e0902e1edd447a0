// `vmaple maps` and `vmaple replay` of logs: what they print, and how they exit.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { paintFor } from "../../src/cli/colour.js";
import { ProgressLine } from "../../src/cli/progress.js";
import { amount, chartSvg } from "../../src/cli/svg.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "vmaple-cli-"));
const EXEC = "fixtures/maps/demo.exec.maps.gz";
const LAST = "fixtures/maps/demo.last.maps.gz";
const LOG = "fixtures/strace/demo.strace.gz";
const LIBC =
  "7ffff7dfa000-7ffff7f50000 r-xp 00026000 fe:00 339380 /usr/lib/x86_64-linux-gnu/libc.so.6";

afterAll(() => rmSync(FOLDER, { recursive: true }));

function vmaple(args: readonly string[], input?: string | Uint8Array) {
  const done = spawnSync(process.execPath, ["dist/src/cli.js", ...args], {
    cwd: ROOT,
    encoding: "utf8",
    ...(input === undefined ? {} : { input }),
  });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

function written(name: string, content: string | Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  return path;
}

const unpacked = (path: string) => gunzipSync(readFileSync(join(ROOT, path)));

describe("a file for the other command", () => {
  const MAPS = "expected lines of maps or smaps, got";
  const REPLAY = "expected a recording, a trace or a strace log, got";
  test.each([
    ["maps", LOG, `${MAPS} a strace log, which vmaple replay reads`],
    [
      "maps",
      "fixtures/strace/perf.script.gz",
      `${MAPS} events of perf script, which vmaple replay reads`,
    ],
    [
      "maps",
      "fixtures/recordings/basic-1000.ndjson.gz",
      `${MAPS} a recording, which vmaple replay reads`,
    ],
    [
      "maps",
      "fixtures/traces/python-stdlib.ndjson.gz",
      `${MAPS} a trace, which vmaple replay reads`,
    ],
    ["replay", LAST, `${REPLAY} maps, which vmaple maps reads`],
    ["replay", "fixtures/maps/odd.smaps.gz", `${REPLAY} smaps, which vmaple maps reads`],
  ])("vmaple %s %s", (command, file, message) => {
    expect(vmaple([command, file])).toEqual({
      status: 2,
      stdout: "",
      stderr: `${file}:1: ${message}\n`,
    });
  });
});

describe("maps", () => {
  test.each([
    [["--at", "1", "--gaps"], "--at and --gaps"],
    [["--diff", LAST, "--pprof", "x"], "--diff and --pprof"],
  ])("%j: one question at a time", (options, named) => {
    expect(vmaple(["maps", EXEC, ...options])).toEqual({
      status: 2,
      stdout: "",
      stderr: `vmaple maps: ${named} are two questions: ask one; see vmaple maps --help\n`,
    });
  });

  test("a table, and totals by kind", () => {
    const { status, stdout, stderr } = vmaple(["maps", EXEC]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("      size  line");
    expect(lines[1]).toMatch(/^ {5}4 KiB {2}555555554000-555555555000 r--p .* \/srv\/demo\/prog$/);
    expect(lines.slice(-6)).toEqual([
      "totals by kind",
      "   232 KiB  8 lines       file",
      "   132 KiB  1 line        stack",
      "    36 KiB  4 lines       kernel",
      "   400 KiB  13 lines      all",
      "",
    ]);
  });

  test("smaps: with what is resident", () => {
    const { stdout } = vmaple(["maps", "--by", "path", "fixtures/maps/postgres.smaps.gz"]);
    expect(stdout).toMatch(/^ {6}size {7}rss {2}line\n/);
    expect(stdout).toMatch(/ \/dev\/zero \(deleted\) {2}Rss [\d.]+ [KM]iB {2}Pss /);
  });

  test("stdin, packed or not", () => {
    const want = vmaple(["maps", EXEC]);
    expect(vmaple(["maps", "-"], unpacked(EXEC))).toEqual(want);
    expect(vmaple(["maps", "-"], readFileSync(join(ROOT, EXEC)))).toEqual(want);
  });

  test.each([["0x7ffff7dfa123"], ["7ffff7dfa123"], ["140737352016163"]])(
    "--at %s: one line",
    (address) => {
      expect(vmaple(["maps", LAST, "--at", address])).toEqual({
        status: 0,
        stdout: `0x7ffff7dfa123: ${LIBC} +0x123 (file offset 0x26123)\n`,
        stderr: "",
      });
    },
  );

  test("--at where nothing is: what lies around", () => {
    expect(vmaple(["maps", EXEC, "--at", "0x1000", "--at", "0x555555560000"]).stdout).toBe(
      "0x1000: not mapped; nothing below, /srv/demo/prog starts at 0x555555554000\n" +
        "0x555555560000: not mapped; /srv/demo/prog ends at 0x555555559000, [vvar] starts at 0x7ffff7fc2000\n",
    );
  });

  test("--at digits are decimal, but a hexadecimal reading that is mapped is told", () => {
    const { stdout } = vmaple(["maps", EXEC, "--at", "555555554010"]);
    expect(stdout).toMatch(/^0x8159b1[\da-f]+: not mapped; .* \(0x555555554010 is mapped\)\n$/);
  });

  test("--gaps", () => {
    expect(vmaple(["maps", EXEC, "--gaps"]).stdout).toBe(
      "  42.7 TiB  555555559000-7ffff7fc2000\n" +
        "   128 MiB  7ffff7fff000-7ffffffde000\n" +
        "  42.7 TiB  2 gaps\n",
    );
  });

  test("--pprof writes a gzip profile, or says why it cannot", () => {
    const path = join(FOLDER, "maps.pb.gz");
    const { status, stdout } = vmaple(["maps", EXEC, "--pprof", path]);
    const bytes = readFileSync(path);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `${path}: 13 mappings, ${bytes.length} bytes\n`,
    });
    expect(gunzipSync(bytes).includes("[heap]")).toBe(unpacked(EXEC).includes("[heap]"));
    const away = join(FOLDER, "no", "such.gz");
    const refused = vmaple(["maps", EXEC, "--pprof", away]);
    expect(refused).toEqual({
      status: 2,
      stdout: "",
      stderr: `${away}: cannot be written: ENOENT\n`,
    });
  });

  test("--diff: exit 1 if anything differs", () => {
    const { status, stdout } = vmaple(["maps", EXEC, "--diff", LAST]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^\+10000000-10001000 r--p /);
    expect(stdout).toMatch(/\n\d+ removed, \d+ added, \d+ changed; \+[\d.]+ MiB\n$/);
    const same = vmaple(["maps", EXEC, "--diff", EXEC]);
    expect(same).toMatchObject({ status: 0, stdout: "0 removed, 0 added, 0 changed; +0 B\n" });
  });

  test("--json: one document, addresses above 2^53 as text", () => {
    const { stdout } = vmaple(["maps", EXEC, "--json"]);
    const document = JSON.parse(stdout);
    expect(document.entries.at(-1)).toMatchObject({
      start: "0xffffffffff600000",
      name: "[vsyscall]",
      kind: "kernel",
      size: 4096,
    });
    expect(document.totals.file).toEqual({ count: 8, bytes: 237568, fields: {} });
    const at = JSON.parse(vmaple(["maps", LAST, "--json", "--at", "0x7ffff7dfa123"]).stdout);
    expect(at.at[0]).toMatchObject({ address: "0x7ffff7dfa123", entry: { perms: "r-xp" } });
  });

  test("a wrong line: told with number and text, the rest is read, exit 2", () => {
    const path = written("wrong.maps", `oops\n${unpacked(EXEC)}`);
    const { status, stdout, stderr } = vmaple(["maps", path]);
    expect(status).toBe(2);
    expect(stderr).toBe(`${path}:1: expected a line of maps or smaps, got "oops"\n`);
    expect(stdout).toMatch(/ 13 lines {6}all\n$/);
    const strict = vmaple(["maps", "--strict", path]);
    expect(strict).toMatchObject({ status: 2, stdout: "", stderr });
  });

  test.each([
    ["empty.maps", "", ":1: expected lines of maps or smaps, got an empty file\n"],
    ["words.maps", "hello\n", ':1: expected lines of maps or smaps, got "hello"\n'],
    ["binary.maps", "a\nb\0c", ":2: expected lines of maps or smaps, got binary data\n"],
    [
      "twice.gz",
      gzipSync(gzipSync("x")),
      ":1: expected text in the gzip stream, got another gzip stream\n",
    ],
  ])("%s: a clear line, exit 2", (name, content, message) => {
    const path = written(name, content);
    const done = vmaple(["maps", path]);
    expect(done.status).toBe(2);
    expect(done.stderr.endsWith(path + message)).toBe(true);
    expect(done.stdout).toBe("");
  });

  test.each([
    [["maps"], "a FILE is missing"],
    [["maps", EXEC, LAST], `one FILE only, not also "${LAST}"`],
    [
      ["maps", EXEC, "--at", "here"],
      '--at must be an address like 0x7f12c000 or 4198400, not "here"',
    ],
    [
      ["maps", EXEC, "--at", "18446744073709551616"],
      "--at must be below 2^64, not 18446744073709551616",
    ],
    [["maps", EXEC, "--by", "colour"], '--by must be kind, path or perms, not "colour"'],
  ])("%j: bad usage, exit 2", (args, message) => {
    expect(vmaple(args)).toEqual({
      status: 2,
      stdout: "",
      stderr: `vmaple maps: ${message}; see vmaple maps --help\n`,
    });
  });
});

describe("replay of logs", () => {
  test("with the first and the last map: process and model agree to the page", () => {
    const { status, stdout, stderr } = vmaple([
      "replay",
      "--initial-maps",
      EXEC,
      "--expect-maps",
      LAST,
      LOG,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/: 160 operations, 2 maps compared, 0 differences; /);
  });

  test("without them: what is touched first is adopted and counted", () => {
    const { status, stdout } = vmaple(["replay", LOG]);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /: 160 operations, 0 maps compared, 0 differences; .*6 ranges adopted when first touched/,
    );
  });

  test("the last map alone: compared as far as the log tells of it", () => {
    const { status, stdout } = vmaple(["replay", "--expect-maps", LAST, LOG]);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /1 maps compared, 0 differences; .*14 lines of the map not told by the log/,
    );
  });

  test("where they part ways: the first difference, exit 1", () => {
    const cut = unpacked(LOG)
      .toString()
      .replace(/.*mprotect\(.*PROT_READ\|PROT_WRITE\).*\n/, "");
    const { status, stdout } = vmaple([
      "replay",
      "--initial-maps",
      EXEC,
      "--expect-maps",
      LAST,
      written("cut.strace", cut),
    ]);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /:\d+: maps of process \d+ \(expected\)\n {2}expected .*\n {2}got .*\n {2}map - /,
    );
  });

  test("names through links, of odd files, without -y", () => {
    const { status, stdout } = vmaple([
      "replay",
      "--initial-maps",
      "fixtures/maps/odd.exec.maps.gz",
      "--expect-maps",
      "fixtures/maps/odd.maps.gz",
      "fixtures/strace/odd-plain.strace.gz",
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/2 maps compared, 0 differences; \d files renamed/);
  });

  test("perf script", () => {
    const { status, stdout } = vmaple(["replay", "fixtures/strace/perf.script.gz"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/: 161 operations, 0 maps compared, 0 differences\n$/);
  });

  test("a last line that is cut is told, and no error", () => {
    const path = written("half.strace", unpacked(LOG).subarray(0, 2000));
    const { status, stdout, stderr } = vmaple(["replay", path]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/; cut in line \d+/);
  });

  test("foreign lines are told of, the rest is replayed, exit 2; --strict stops", () => {
    const path = written("foreign.strace", `${unpacked(LOG)}hello\n`);
    const { status, stdout, stderr } = vmaple(["replay", path]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `${path}:508: expected a line of strace, got "hello"\n`,
    });
    expect(stdout).toMatch(/ 160 operations/);
    expect(vmaple(["replay", "--strict", path])).toEqual({ status: 2, stdout: "", stderr });
  });

  test("--chart draws VMAs and mapped bytes", () => {
    const path = join(FOLDER, "out.svg");
    expect(vmaple(["replay", "--chart", path, LOG]).status).toBe(0);
    const svg = readFileSync(path, "utf8");
    expect(svg).toMatch(
      /^<svg xmlns=[\s\S]*>VMAs<[\s\S]*>mapped<[\s\S]*160 operations<[\s\S]*<\/svg>\n$/,
    );
    const bad = vmaple(["replay", "--chart", join(FOLDER, "no", "out.svg"), LOG]);
    expect(bad.status).toBe(2);
    expect(bad.stderr).toMatch(/out\.svg: cannot be written: ENOENT\n$/);
  });

  test("--json tells what was adopted", () => {
    const document = JSON.parse(vmaple(["replay", "--json", LOG]).stdout);
    expect(document.files[0]).toMatchObject({
      kind: "strace",
      unknowns: { ranges: 6 },
      problems: [],
    });
  });

  test("maps of a recording are refused", () => {
    const recording = "fixtures/recordings/basic-1000.ndjson.gz";
    const { status, stderr } = vmaple(["replay", "--initial-maps", EXEC, recording]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `${recording}:1: expected a log, for --initial-maps and --expect-maps, got a recording\n`,
    });
  });
});

describe("on a terminal", () => {
  function terminal(isTTY: boolean) {
    const text: string[] = [];
    const stream = { isTTY, write: (part: string) => text.push(part) };
    return { text, stream: stream as unknown as NodeJS.WriteStream };
  }

  test("progress has rate and time left, and nothing elsewhere", () => {
    let now = 0;
    for (const isTTY of [true, false]) {
      const { text, stream } = terminal(isTTY);
      const line = new ProgressLine("FILE", stream, () => now);
      now += 200;
      line.showShare(10, "operations", 0.1);
      now += 1800;
      line.showShare(100, "operations", 0.25);
      now += 1_000_000;
      line.showShare(200, "operations", 0.5);
      const [first, second, third] = isTTY ? text : ["", "", ""];
      expect(text.length).toBe(isTTY ? 3 : 0);
      if (!isTTY) continue;
      expect(first).toContain("FILE: 10 operations");
      expect(second).toContain("FILE: 100 operations, 50/s, 25 %, 6 s left");
      expect(third).toMatch(/, 50 %, 16 min 42 s left$/);
    }
  });

  test("colours, and none elsewhere or with NO_COLOR", () => {
    const before = process.env["NO_COLOR"];
    delete process.env["NO_COLOR"];
    expect(paintFor(terminal(true).stream)("red", "x")).toBe("\u001b[31mx\u001b[0m");
    expect(paintFor(terminal(false).stream)("red", "x")).toBe("x");
    process.env["NO_COLOR"] = "1";
    expect(paintFor(terminal(true).stream)("red", "x")).toBe("x");
    if (before === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = before;
  });
});

test("a chart: text is escaped, amounts have units", () => {
  const svg = chartSvg({
    title: 'a<b>&"c"',
    axis: "steps",
    steps: [1, 2],
    series: [{ name: "x", unit: "bytes", colour: "#000", values: [1024, 2048] }],
  });
  expect(svg).toContain("a&#60;b&#62;&#38;&#34;c&#34;");
  expect(svg).toContain(">2 KiB<");
  expect([0, 1023, 1536, 2 ** 40 * 150].map((bytes) => amount(bytes, "bytes"))).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "150 TiB",
  ]);
});

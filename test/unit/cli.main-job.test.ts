// The main job: what `npm start` prints, and how it exits.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "vmaple-job-"));
const TRACE = join(ROOT, "fixtures/traces/python-stdlib.ndjson.gz");

afterAll(() => rmSync(FOLDER, { recursive: true }));

function mainJob(...args: string[]) {
  const done = spawnSync(process.execPath, ["dist/src/main-job.js", ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

test("the committed trace has no difference, and fault workers were at work meanwhile", () => {
  const { status, stdout, stderr } = mainJob("--seconds", "0.5");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^calls replayed +[\d,]+ /m);
  expect(stdout).toMatch(/^final map +504 lines compared with Linux: 0 differences$/m);
  expect(stdout).toMatch(/^all passes +[\d,]+ maps and [\d,]+ results compared: 0 differences$/m);
  const table = stdout.split("\n").filter((line) => /^(\d+|all) +[\d,]+ /.test(line));
  expect(table.length).toBeGreaterThanOrEqual(3);
  for (const row of table) {
    const [, faultsPerSecond = "", byVmaLock = ""] = row.split(/ +/);
    expect(Number(faultsPerSecond.replaceAll(",", ""))).toBeGreaterThan(0);
    expect(Number(byVmaLock.replaceAll(",", ""))).toBeGreaterThan(0);
  }
});

test("a difference is shown and makes it exit 1", () => {
  const text = gunzipSync(readFileSync(TRACE)).toString();
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.includes('"op":"mprotect"'));
  lines[at] = lines[at]!.replace('"r":"0"', '"r":"EACCES"');
  const path = join(FOLDER, "wrong.ndjson");
  writeFileSync(path, lines.join("\n"));
  const { status, stdout } = mainJob("--seconds", "0.1", "--trace", path);
  expect(status).toBe(1);
  expect(stdout).toContain(`${path}:${at + 1}: mprotect(`);
  expect(stdout).toMatch(/\n {2}expected EACCES\n {2}got {6}0x0\n/);
});

test.each([
  [["--trace", "no-such-file"], "no-such-file:1: expected a readable file, got ENOENT\n"],
  [["--seconds", "soon"], '--seconds must be a number above 0, not "soon"\n'],
])("%j exits 2 with one line", (args, stderr) => {
  const done = mainJob(...args);
  expect(done).toEqual({ status: 2, stdout: "", stderr });
});

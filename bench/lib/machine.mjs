// What the figures were measured on.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { ROOT } from "./build.mjs";

const GIB = 2 ** 30;

/** @returns {Record<string, string>} */
export function machine() {
  const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8"));
  const commit = run("git", ["rev-parse", "--short", "HEAD"]);
  const changed = run("git", ["status", "--porcelain", "--untracked-files=no"]) === "" ? "" : "+";
  const [one, five] = loadavg();
  const memory = (totalmem() / GIB).toFixed(1);
  return {
    machine: `${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, ${memory} GiB`,
    system: `${type()} ${release()} ${process.arch}`,
    node: `${process.version}, V8 ${process.versions.v8}`,
    vmaple: commit === "" ? version : `${version} at ${commit}${changed}`,
    load: `${one.toFixed(2)} in the last minute, ${five.toFixed(2)} in five`,
    date: new Date().toISOString(),
  };
}

/** First line that a program prints; "" if it cannot be run. */
export function run(program, args) {
  const { status, stdout } = spawnSync(program, args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim().split("\n")[0] : "";
}

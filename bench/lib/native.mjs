// Programs in C, C++ and Rust beside which we measure: compiled once into build/native/,
// if their compiler is here.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./build.mjs";

const SOURCES = join(ROOT, "bench", "native");
const OUTPUTS = join(ROOT, "build", "native");

/** A compiler or a system is missing: the row goes without these lines. */
export class Unavailable extends Error {}

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {string} source in bench/native
 * @property {string} compiler
 * @property {string[]} flags
 * @property {string[]} [libraries]
 * @property {string[]} [inputs] further files in bench/native
 */

/** @param {Program} program @returns {string} path @throws Unavailable */
export function compile({ name, source, compiler, flags, libraries = [], inputs = [] }) {
  const output = join(OUTPUTS, name);
  const files = [source, ...inputs].map((file) => join(SOURCES, file));
  if (existsSync(output)) {
    const written = statSync(output).mtimeMs;
    if (files.every((file) => statSync(file).mtimeMs <= written)) return output;
  }
  mkdirSync(OUTPUTS, { recursive: true });
  // Under another name first: a bench started beside this one must not run half a file.
  const draft = `${output}.${process.pid}`;
  const done = spawnSync(compiler, [...flags, "-o", draft, files[0], ...libraries], {
    encoding: "utf8",
  });
  if (done.error !== undefined) throw new Unavailable(`${compiler} is not here`);
  if (done.status !== 0) throw new Unavailable(`${compiler} ${source}: ${firstLine(done.stderr)}`);
  renameSync(draft, output);
  return output;
}

/**
 * Runs a program that prints a line of JSON a result.
 *
 * @returns {object[]}
 * @throws Unavailable, Error
 */
export function runProgram(path, args) {
  const done = spawnSync(path, args.map(String), { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${path}: ${firstLine(done.stderr)}`);
  return done.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function firstLine(text) {
  const lines = text.split("\n");
  return lines.find((line) => line.includes("error")) ?? lines[0] ?? "";
}

// A recorded program as a list of calls: fixtures/traces/*.ndjson.gz, of one process.
//
//   setup   the map that exec made: what is there before the first call
//   calls   eight f64 each: op, six arguments, what the kernel answered

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { MapFlags, Prot, VmFlags } from "../../dist/src/index.js";
import { PAGE } from "./layout.mjs";

export const CALL_WORDS = 8;
const TRACE = new URL("../../fixtures/traces/python-stdlib.ndjson.gz", import.meta.url);
/** As in assembly/mm-bench.ts and native/systrace.c. */
const OPS = ["mmap", "munmap", "mprotect", "mremap", "brk"];
const RESULT = 7;
const FILE = 5;
const TASK_SIZE = 2 ** 47 - PAGE;
const MAY = VmFlags.MAYREAD + VmFlags.MAYWRITE + VmFlags.MAYEXEC;

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {{ start: number, end: number, perms: string, offset: number, name: string }[]} setup
 * @property {number} mmapBase
 * @property {number} startBrk
 * @property {number} startStack
 * @property {Float64Array} calls their file argument: index into files, -1 none
 * @property {string[]} files
 * @property {number} count
 */

/** @returns {Program} */
export function readProgram() {
  const text = gunzipSync(readFileSync(TRACE)).toString("utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  const rows = lines.map((line) => JSON.parse(line));
  const exec = rows.find((row) => row.k === "maps" && row.why === "exec");
  const made = rows.filter((row) => row.k === "s" && OPS.includes(row.op));
  const setup = exec.vmas.map(([start, end, perms, offset, , name]) => {
    return { start: hex(start), end: hex(end), perms, offset: hex(offset), name };
  });
  const stack = setup.find(({ name }) => name === "[stack]");
  const files = [...new Set(made.flatMap(({ file }) => (file === undefined ? [] : [file])))];
  const inUser = setup.filter(({ end }) => end <= TASK_SIZE);
  return {
    name: "python-stdlib",
    setup: inUser,
    mmapBase: topOfChosen(inUser, made, stack.start),
    startBrk: hex(made.find(({ op }) => op === "brk").r),
    startStack: stack.end - 16,
    calls: Float64Array.from(made.flatMap((row) => wordsOf(row, files))),
    files,
    count: made.length,
  };
}

function hex(text) {
  return Number.parseInt(text, 16);
}

/** The mmap area's top: the highest end below the stack, of exec or of what the kernel chose. */
function topOfChosen(setup, made, stack) {
  const chosen = made.filter(({ op, a, r }) => op === "mmap" && hex(a[0]) === 0 && hex(r) < stack);
  const ends = chosen.map(({ a, r }) => hex(r) + Math.ceil(hex(a[1]) / PAGE) * PAGE);
  const below = setup.filter(({ end }) => end <= stack).map(({ end }) => end);
  return Math.max(...ends, ...below);
}

function wordsOf({ op, a, r, file }, files) {
  const words = new Array(CALL_WORDS).fill(0);
  words[0] = OPS.indexOf(op);
  for (const [i, argument] of a.entries()) {
    words[1 + i] = typeof argument === "string" ? hex(argument) : argument;
  }
  if (op === "mmap") words[FILE] = file === undefined ? -1 : files.indexOf(file);
  words[RESULT] = hex(r);
  return words;
}

/** What exec gave a VMA: `rw-p` and its special names, in vm_flags. */
export function vmFlagsOf({ perms, name }) {
  let flags = name.startsWith("[vvar") ? VmFlags.MAYREAD + VmFlags.IO + VmFlags.PFNMAP : MAY;
  if (name.startsWith("[v")) flags += VmFlags.DONTEXPAND;
  if (perms[0] === "r") flags += VmFlags.READ;
  if (perms[1] === "w") flags += VmFlags.WRITE + VmFlags.ACCOUNT;
  if (perms[2] === "x") flags += VmFlags.EXEC;
  return name === "[stack]" ? flags + VmFlags.GROWSDOWN : flags;
}

/**
 * A program ready to run in one address space, again and again.
 *
 * @param {import("../../dist/src/index.js").Engine} engine
 * @param {Program} program
 */
export function openProgram(engine, program) {
  const { mmapBase, startBrk, startStack, setup } = program;
  const options = { mmapBase, startBrk, startStack, rlimits: { stack: 8 * 1024 * 1024 } };
  const mm = engine.createMm(options);
  const files = program.files.map((name) => engine.openFile({ name, hugePageAligned: true }));
  const own = setup.map(({ name }) => (name.startsWith("/") ? engine.openFile({ name }) : null));
  const calls = program.calls.slice();
  for (let at = 0; at < calls.length; at += CALL_WORDS) {
    if (calls[at] === 0)
      calls[at + FILE] = calls[at + FILE] < 0 ? 0 : files[calls[at + FILE]].asRaw();
  }
  const { raw } = engine;
  const pointer = mm.asRaw();
  return {
    mm,
    calls,
    /** Empties the space and builds what exec left. */
    reset() {
      raw.munmap(pointer, 0, TASK_SIZE);
      for (const [i, vma] of setup.entries()) {
        const file = own[i]?.asRaw() ?? 0;
        const pgoff = (file === 0 ? vma.start : vma.offset) / PAGE;
        const failed = raw.vmaInstall(pointer, vma.start, vma.end, vmFlagsOf(vma), pgoff, file);
        if (failed !== 0) throw new Error(`${vma.name}: ${failed}`);
      }
      raw.mmBrkInit(pointer, startBrk, startBrk, 0, startStack);
    },
  };
}

/** Makes the calls by the raw plane; how many were answered otherwise than by the kernel. */
export function runCalls(raw, mm, calls) {
  let differences = 0;
  for (let at = 0; at < calls.length; at += CALL_WORDS) {
    if (perform(raw, mm, calls, at) !== calls[at + RESULT]) differences++;
  }
  return differences;
}

function perform(raw, mm, c, at) {
  switch (c[at]) {
    case 0:
      return raw.mmap(mm, c[at + 1], c[at + 2], c[at + 3], c[at + 4], c[at + 5], c[at + 6]);
    case 1:
      return raw.munmap(mm, c[at + 1], c[at + 2]);
    case 2:
      return raw.mprotect(mm, c[at + 1], c[at + 2], c[at + 3]);
    case 3:
      return raw.mremap(mm, c[at + 1], c[at + 2], c[at + 3], c[at + 4], c[at + 5]);
    default:
      return raw.brk(mm, c[at + 1]);
  }
}

/**
 * The program for native/systrace.c: one line a VMA of exec and one a call, numbers in
 * hex but the op. Only what lies in the mmap area, and the break: a call on the program's
 * own image (one, of the committed trace) has no counterpart in another process.
 *
 * @param {Program} program
 */
export function programText({ setup, calls, mmapBase, startBrk }) {
  const h = (x) => Math.max(0, x).toString(16);
  const low = Math.min(
    ...setup.filter(({ start }) => start > startBrk).map(({ start }) => start),
    ...callsOf(calls)
      .filter(([op]) => op === 0)
      .map((call) => call[RESULT]),
  );
  const lines = [`w ${h(low)} ${h(mmapBase)} ${h(startBrk)}`];
  for (const { start, end, perms } of setup) {
    if (start < low || end > mmapBase) continue;
    const prot = (perms[0] === "r" ? Prot.READ : 0) | (perms[1] === "w" ? Prot.WRITE : 0);
    lines.push(`v ${h(start)} ${h(end - start)} ${h(prot | (perms[2] === "x" ? Prot.EXEC : 0))}`);
  }
  for (const [op, a, b, c, d, file, offset, result] of callsOf(calls)) {
    if (op >= 1 && op <= 3 && (a < low || a >= mmapBase)) continue;
    const anonymous = op !== 0 || (d & MapFlags.ANONYMOUS) !== 0;
    lines.push(
      `c ${op} ${[a, b, c, d, anonymous ? 0 : file + 1, offset, result].map(h).join(" ")}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function callsOf(calls) {
  return Array.from({ length: calls.length / CALL_WORDS }, (_, i) =>
    calls.subarray(i * CALL_WORDS, (i + 1) * CALL_WORDS),
  );
}

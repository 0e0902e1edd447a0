// npm run kill-test -- --help: terminates real workers at random moments.
//
// Two workers work on one address space without pause; one of them is terminated and its
// seat reaped. Then the other must go on, and so must this thread: within DEADLINE_MS a call
// must answer, and the space must validate, or, if the worker died in the middle of a change,
// answer EOWNERDEAD. A dead space is replaced by a fresh one. In the end every object must be
// free again. Exit 1 at the first failure.

import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { killInBrowser } from "./kill-browser.mjs";
import { sharedEnums } from "./lib/abi.mjs";
import { freshSeed, readOptions } from "./options.mjs";

const EOWNERDEAD = 130;
const EAGAIN = 11;
const PAGE = 4096;
const PAGES = 64;
const BASE = 2 ** 44;
const MEMORY_PAGES = 512;
const DEADLINE_MS = 5000;
const LIFE_MAX_MS = 12;
const { members } = sharedEnums().find(({ name }) => name === "SlabKind");
const KINDS = members.find(({ name }) => name === "COUNT").value;

const { browser, seed, ...options } = readOptions({
  command: "npm run kill-test --",
  about: "Terminates real workers at random moments; what they held must come back.",
  options: {
    kills: { whole: [undefined, 1], about: "workers to terminate (1000; 100 in a browser)" },
    browser: { about: "in headless Chromium instead of Node" },
    seed: { whole: [freshSeed(), 0], about: "of calls and moments; printed" },
  },
  notes: "Exit status: 0; 1 at the first failure; 2 bad usage.",
});
const kills = options.kills ?? (browser ? 100 : 1000);
if (browser) process.exit(await killInBrowser(kills, seed));
const wasm = new URL("../build/engine.verify.wasm", import.meta.url);
const module = new WebAssembly.Module(readFileSync(wasm));
const limits = { initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true };
const memory = new WebAssembly.Memory(limits);
const x = new WebAssembly.Instance(module, { env: { memory } }).exports;
x.arena_init(MEMORY_PAGES * 65536, 8, 3);
x.worker_attach(0); // this thread never waits: it looks again until DEADLINE_MS
const words = new Float64Array(memory.buffer, x.worker_scratch(), 32);
const report = new Uint32Array(memory.buffer, x.worker_scratch(), 8);

let state = seed >>> 0;
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};

function createMm() {
  const mib = 2 ** 20;
  words.set([12, 0x7ffffffff000, 0x7ffff7fff000, 65536, 0, 256, 65530, 0x555555560000]);
  words.set([0, 1, -1, -1, 8 * mib, 8 * mib, 0, 1, -1, 0x2aaaaaaab000], 8);
  return x.mm_create();
}

async function spawn(mm) {
  const workerData = { module, memory, mm, seed: below(2 ** 32), pages: PAGES, base: BASE };
  const worker = new Worker(new URL("./kill-worker.mjs", import.meta.url), { workerData });
  worker.on("error", (error) => fail(`a worker failed: ${error.message}`));
  const seat = await new Promise((resolve) => worker.once("message", resolve));
  return { worker, seat };
}

function fail(what) {
  console.error(`kill-test: ${what} (seed ${seed}, kill ${done})`);
  process.exit(1);
}

/** Repeats a call that would have had to wait; what it answers in the end. */
async function answer(call, what) {
  const until = performance.now() + DEADLINE_MS;
  for (;;) {
    const result = call();
    if (result !== -512 && result !== -EAGAIN) return result;
    if (performance.now() > until) fail(`${what} does not answer`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const totals = { vmaLocks: 0, reads: 0, writes: 0, dead: 0, sound: 0 };
let done = 0;
let mm = createMm();
let crew = [await spawn(mm), await spawn(mm)];
console.log(`kill-test: ${kills} kills, seed ${seed}`);
while (done < kills) {
  await new Promise((resolve) => setTimeout(resolve, below(LIFE_MAX_MS)));
  const [victim] = crew.splice(below(2), 1);
  await victim.worker.terminate();
  if (x.worker_reap(victim.seat) !== 0) fail("the seat cannot be reaped");
  totals.vmaLocks += report[0];
  totals.reads += report[1];
  totals.writes += report[2];
  const dead = report[3] !== 0;
  totals.dead += report[3];
  const result = await answer(() => x.mmap(mm, BASE, PAGE, 3, 0x32, 0, 0), "mmap");
  if (dead ? result !== -EOWNERDEAD : result !== BASE) fail(`mmap answers ${result}`);
  if (dead) {
    for (const { worker, seat } of crew.splice(0)) {
      await worker.terminate();
      if (x.worker_reap(seat) !== 0) fail("the survivor's seat cannot be reaped");
    }
    x.mmput(mm);
    mm = createMm();
    crew = [await spawn(mm)];
  } else {
    const broken = await answer(() => x.mm_validate(mm), "validate");
    if (broken !== 0) fail(`invariant ${broken} is broken at ${words[0]}`);
    totals.sound++;
  }
  crew.push(await spawn(mm));
  done++;
}
for (const { worker, seat } of crew) {
  await worker.terminate();
  if (x.worker_reap(seat) !== 0) fail("a seat cannot be reaped at the end");
}
x.mmput(mm);
if (totals.dead === 0) {
  // Of dead spaces the VMAs and nodes are given up for good: then nothing can be said.
  for (let kind = 0; kind < KINDS; kind++) {
    const live = x.slab_live(kind);
    if (live !== 0) fail(`${live} objects of kind ${kind} are left`);
  }
}
console.log(
  `${kills} workers killed: 0 hangs, 0 leaks; ${totals.sound} spaces sound, ${totals.dead} answered EOWNERDEAD; ` +
    `given up: ${totals.vmaLocks} VMA locks, ${totals.reads} mmap reads, ${totals.writes} mmap writes`,
);

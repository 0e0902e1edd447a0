// npm run soak -- --help
//
// Writers, faulters and forkers on one space of one engine (verify build: every assertion of
// the core is on), and a killer that terminates them at random moments, reaps their seats and
// starts others (`--kills`: how many a round). Each round ends with all workers paused and every space validated. In the
// end all is given back and the live objects must be as many as before the first round.
//
// What a dead worker was doing must have been undone or finished by reaping. What the API does
// not give back yet is given back here: its user references of children that it had forked.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { Engine } from "../dist/src/index.js";
import { freshSeed, readOptions } from "./options.mjs";

const ROLES = ["writer", "faulter", "forker"];
const WORDS = { STOP: 0, PHASE: 1, PAUSED: 2, MM: 3 };
const BASE = 2 ** 44;
const PAGE = 4096;
const PAGES = 64;
const ROUND_MS = 500;
/** Everything that must not hang is waited for this long. */
const PATIENCE_MS = 20_000;
const MEMORY_BYTES = 64 * 2 ** 20;

const options = readOptions({
  command: "npm run soak --",
  about:
    "Writers, faulters, forkers and a killer on one engine; all spaces validated between the rounds.",
  options: {
    minutes: { whole: [1, 1], about: "for how long" },
    seconds: { whole: [0, 0], about: "for how long, instead of minutes" },
    workers: { whole: [4, 1], about: "at once" },
    kills: { whole: [2, 0], about: "workers terminated a round" },
    seed: { whole: [freshSeed(), 0], about: "of calls and kills; printed" },
  },
  notes: "Exit status: 0; 1 at the first failure; 2 bad usage.",
});
const { workers, seed } = options;
const ms = options.seconds !== 0 ? options.seconds * 1000 : options.minutes * 60_000;

let state = seed >>> 0;
function below(n) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}

const wasm = new WebAssembly.Module(
  readFileSync(new URL("../build/engine.verify.wasm", import.meta.url)),
);
const engine = await Engine.create({ memoryBytes: MEMORY_BYTES, maxWorkers: workers + 1, wasm });
const control = new Int32Array(new SharedArrayBuffer(Object.keys(WORDS).length * 4));
const counters = new Int32Array(new SharedArrayBuffer(workers * 4));
const totals = { rounds: 0, kills: 0, calls: { writer: 0, faulter: 0, forker: 0 } };
/** What the dead left behind. */
const left = { undone: 0, children: 0, locks: 0 };
const crew = [];
const started = performance.now();
const roleOf = (index) => ROLES[index % ROLES.length];

function fail(what) {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`soak: ${what} (seed ${seed}, round ${totals.rounds}, ${seconds} s)`);
  process.exit(1);
}

async function spawn(index) {
  const worker = new Worker(new URL("./soak-worker.mjs", import.meta.url), {
    workerData: {
      share: engine.share(),
      control,
      counters,
      index,
      role: roleOf(index),
      seed: below(2 ** 31),
      words: WORDS,
      base: BASE,
      pages: PAGES,
    },
  });
  worker.on("error", (error) => fail(`${roleOf(index)} ${index}: ${error.stack}`));
  const [slot] = await inTime(once(worker, "message"), "a worker does not attach");
  crew[index] = { worker, slot };
}

function inTime(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), PATIENCE_MS);
  });
  return Promise.race([promise, late])
    .catch((error) => fail(error.message))
    .finally(() => clearTimeout(timer));
}

const liveObjects = () =>
  Object.values(engine.stats().memory.kinds).reduce((sum, { live }) => sum + live, 0);

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** Stops every worker between two calls. */
async function pause() {
  Atomics.store(control, WORDS.PAUSED, 0);
  Atomics.add(control, WORDS.PHASE, 1);
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const paused = Atomics.load(control, WORDS.PAUSED);
    if (paused === workers) return;
    if (performance.now() > until) fail(`only ${paused} of ${workers} workers come to a stop`);
    await Atomics.waitAsync(control, WORDS.PAUSED, paused, 100).value;
  }
}

function resume() {
  Atomics.add(control, WORDS.PHASE, 1);
  Atomics.notify(control, WORDS.PHASE);
}

/** Context: all workers are paused. */
function validate() {
  const broken = engine.validate();
  if (broken.length !== 0) fail(`not sound: ${JSON.stringify(broken)}`);
}

/** Context: paused. Spaces that nobody alive has: children whose forker died. */
function giveBackChildren() {
  const { exports } = engine.raw;
  const orphans = [];
  for (let mm = exports.mm_first() >>> 0; mm !== 0; mm = exports.mm_next(mm) >>> 0) {
    if (mm !== space.asRaw()) orphans.push(mm);
  }
  for (const mm of orphans) {
    const users = exports.mm_users(mm);
    if (users === 0) fail(`space ${mm} has no users and is still there`);
    for (let i = 0; i < users; i++) exports.mmput(mm);
    left.children++;
  }
}

/** Terminates a worker where it is, reaps it and starts another. */
async function kill() {
  const index = below(workers);
  const { worker, slot } = crew[index];
  worker.removeAllListeners("error");
  await worker.terminate();
  const report = engine.reap(slot);
  totals.kills++;
  left.locks += report.vmaLocks + report.mmapReads + report.mmapWrites;
  if (report.undone) left.undone++;
  if (report.deadMms !== 0) fail("a space could not be put in order");
  await spawn(index);
}

/** Context: paused. What mremap has moved away would only grow. */
function tidy() {
  for (const { start, end } of space.vmas()) {
    if (start < BASE || start >= BASE + PAGES * PAGE) space.munmap(start, end - start);
  }
}

function count() {
  counters.forEach((n, index) => {
    totals.calls[roleOf(index)] += n;
  });
  counters.fill(0);
}

function progress() {
  const seconds = Math.round((performance.now() - started) / 1000);
  const { writer, faulter, forker } = totals.calls;
  console.log(
    `  ${seconds} s: round ${totals.rounds}, ${writer} changes, ${faulter} looks, ${forker} forks, ` +
      `${totals.kills} kills, ${liveObjects()} live objects`,
  );
}

const before = liveObjects();
const space = engine.createMm({ overcommit: "always" });
Atomics.store(control, WORDS.MM, space.asRaw());
console.log(`soak: ${ms / 1000} s, ${workers} workers, seed ${seed}`);
for (let index = 0; index < workers; index++) await spawn(index);
let told = performance.now();
while (performance.now() - started < ms) {
  for (let kills = options.kills; kills > 0; kills--) {
    await sleep(below((2 * ROUND_MS) / options.kills));
    await kill();
  }
  if (options.kills === 0) await sleep(ROUND_MS);
  await pause();
  totals.rounds++;
  giveBackChildren();
  validate();
  tidy();
  count();
  if (performance.now() - told > 5000) {
    told = performance.now();
    progress();
  }
  resume();
}
Atomics.store(control, WORDS.STOP, 1);
const ends = crew.map(({ worker }) => inTime(once(worker, "exit"), "a worker does not end"));
await Promise.all(ends);
count();
giveBackChildren();
validate();
space.dispose();
progress();
const over = liveObjects() - before;
if (over !== 0) fail(`${over} objects are left`);
console.log(
  `${totals.rounds} rounds, ${totals.kills} kills: every space sound, no object left; ` +
    `of the dead: ${left.undone} calls undone, ${left.locks} locks, ${left.children} children`,
);
engine.dispose();

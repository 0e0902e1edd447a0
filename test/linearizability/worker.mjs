// A worker of the linearizability check: in each round a few random calls, each written down
// with the moments before and after it, as numbers of one counter that all workers share.
//
//   control   ROUND (0: end), CLOCK, READY (at the line), DONE
//   record    one call: the Int32 words of Word in record.ts
//
// Runs the built package: what users call is what is checked.

import { parentPort, workerData } from "node:worker_threads";
import { Engine, MmError, MmWithUser } from "../../dist/src/index.js";

const { share, mm: pointer, control, records, index, layout } = workerData;
const { words, kinds, pageBytes, base, pages, calls, workers, seed } = layout;
const engine = await Engine.attach(share);
const mm = MmWithUser.fromRaw(engine, pointer);
const FIXED = 0x4032; // MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE
const FIXED_NOREPLACE = 0x104022;
const PROTS = [0, 1, 3];

/** xorshift32: the same numbers for the same seed. */
function random(start) {
  let state = start | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const at = (page) => base + page * pageBytes;
const tick = () => Atomics.add(control, words.CLOCK, 1);

/** The answer of a change: 0 or -errno. */
function errnoOf(change) {
  try {
    change();
    return 0;
  } catch (error) {
    if (error instanceof MmError) return -error.errno;
    throw error;
  }
}

function write(record, vma) {
  record[words.RESULT] = vma === null ? 0 : 1;
  if (vma === null) return;
  record[words.START] = (vma.start - base) / pageBytes;
  record[words.END] = (vma.end - base) / pageBytes;
  record[words.FOUND] = vma.flags % 8;
}

/** What each kind of call does; writes its answer into the record. */
const does = {
  [kinds.MAP](record, { address, length, prot }) {
    record[words.RESULT] = errnoOf(() => mm.mmap({ address, length, prot, flags: FIXED }));
  },
  [kinds.MAP_NOREPLACE](record, { address, length, prot }) {
    const flags = FIXED_NOREPLACE;
    record[words.RESULT] = errnoOf(() => mm.mmap({ address, length, prot, flags }));
  },
  [kinds.UNMAP](record, { address, length }) {
    record[words.RESULT] = errnoOf(() => mm.munmap(address, length));
  },
  [kinds.PROTECT](record, { address, length, prot }) {
    record[words.RESULT] = errnoOf(() => mm.mprotect(address, length, prot));
  },
  [kinds.MOVE](record, { address, length, prot, to }) {
    const guard = mm.mmapWriteLock();
    record[words.RESULT] = errnoOf(() => {
      guard.munmap(address, length);
      guard.mmap({ address: to, length, prot, flags: FIXED });
    });
    guard.dispose();
  },
  [kinds.LOOKUP](record, { address }) {
    const guard = mm.mmapReadLock();
    write(record, guard.vmaLookup(address));
    guard.dispose();
  },
  [kinds.PEEK](record, { address }) {
    write(record, mm.peek(address));
  },
};

/** Begins the record of one call; the caller ends it. */
function begin(record, kind, page, n, prot, to) {
  record[words.KIND] = kind;
  record[words.PAGE] = page;
  record[words.N] = n;
  record[words.PROT] = prot;
  record[words.TO] = to;
  record[words.INVOKED] = tick();
}

function end(record) {
  record[words.RETURNED] = tick();
}

const recordAt = (i) =>
  records.subarray((index * calls + i) * words.SIZE, (index * calls + i + 1) * words.SIZE);

/** A VMA read lock, in two records; how many were used. */
function hold(i, page, rand) {
  const lock = recordAt(i);
  begin(lock, kinds.LOCK, page, 0, 0, 0);
  const guard = mm.lockVmaUnderRcu(at(page));
  write(lock, guard);
  end(lock);
  if (guard === null) return 1;
  const { start, end: stop, flags } = guard;
  for (let looks = rand(100); looks >= 0; looks--) {
    if (guard.start === start && guard.end === stop && guard.flags === flags) continue;
    throw new Error(
      `a read-locked VMA changed: [${start}, ${stop}) to [${guard.start}, ${guard.end})`,
    );
  }
  const unlock = recordAt(i + 1);
  begin(unlock, kinds.UNLOCK, page, 0, 0, 0);
  guard.dispose();
  end(unlock);
  return 2;
}

function one(record, kind, rand) {
  const n = 1 + rand(3);
  const page = rand(pages - n + 1);
  const to = rand(pages - n + 1);
  const prot = PROTS[rand(PROTS.length)];
  const args = { address: at(page), length: n * pageBytes, prot, to: at(to) };
  begin(record, kind, page, n, prot, to);
  does[kind](record, args);
  end(record);
}

const CHANGES = [kinds.MAP, kinds.MAP_NOREPLACE, kinds.UNMAP, kinds.PROTECT, kinds.MOVE];

function round(number) {
  const rand = random(Math.imul(seed, 31) + number * workers + index);
  let i = 0;
  while (i < calls) {
    const choice = rand(20);
    if (choice < 8) one(recordAt(i++), CHANGES[rand(CHANGES.length)], rand);
    else if (choice < 14) one(recordAt(i++), kinds.PEEK, rand);
    else if (choice < 16) one(recordAt(i++), kinds.LOOKUP, rand);
    else if (i + 1 < calls) i += hold(i, rand(pages), rand);
  }
}

/** All begin at once: who waits asleep would come late. */
function lineUp(number) {
  Atomics.add(control, words.READY, 1);
  while (Atomics.load(control, words.READY) < number * workers) {
    // spins: a few microseconds
  }
}

let number = 0;
parentPort.postMessage("ready");
for (;;) {
  Atomics.wait(control, words.ROUND, number);
  number = Atomics.load(control, words.ROUND);
  if (number < 0) break;
  lineUp(number);
  round(number);
  Atomics.add(control, words.DONE, 1);
  Atomics.notify(control, words.DONE);
}
mm.dispose();
engine.dispose();

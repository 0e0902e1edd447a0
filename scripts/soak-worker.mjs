// A worker of the soak: works in its role on the space that the control words name, stops
// where it is told to, and may be terminated anywhere. Runs the built package.

import { parentPort, workerData } from "node:worker_threads";
import { Engine, MmError, MmWithUser } from "../dist/src/index.js";

const { share, control, counters, index, role, seed, words, base, pages } = workerData;
const PAGE = 4096;
const FIXED_ANON = 0x32;
/** MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS. */
const ANYWHERE = [0x22, 0x21];
const MREMAP_MAYMOVE = 1;
const MADV_DONTFORK = 10;
const ACCESSES = ["read", "write", "exec"];
/** Calls between two looks at the control words. */
const BATCH = 20;

/** xorshift32: the same numbers for the same seed. */
let state = seed | 1;
function rand(below) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const engine = await Engine.attach(share);
parentPort.postMessage(engine.slot);

/** Counted as done; an errno is an answer like another, anything else a failure. */
function attempt(call) {
  try {
    call();
  } catch (error) {
    if (!(error instanceof MmError) || error.code === "EDEADLK") throw error; // lockdep's
  }
  Atomics.add(counters, index, 1);
}

/** `using`, which Node 20 does not know. */
function holding(guard, body) {
  try {
    return body(guard);
  } finally {
    guard.dispose();
  }
}

/** Two changes as one step, then a look under what the lock has become. */
function move(mm, from, to, length) {
  const read = holding(mm.mmapWriteLock(), (guard) => {
    guard.munmap(from, length);
    guard.mmap({ address: to, length, prot: 3, flags: FIXED_ANON });
    return guard.downgrade();
  });
  holding(read, () => {
    if (read.vmaLookup(to) === null) throw new Error("a mapping vanished in a downgrade");
  });
}

/** One change of `mm`: any kind, anywhere in the small space. */
function change(mm) {
  const address = base + rand(pages) * PAGE;
  const length = (1 + rand(8)) * PAGE;
  const other = base + rand(pages) * PAGE;
  switch (rand(12)) {
    case 0:
    case 1:
    case 2:
      return mm.mmap({ address, length, prot: rand(4), flags: FIXED_ANON });
    case 3:
      return mm.munmap(mm.mmap({ length, prot: 3, flags: ANYWHERE[rand(2)] }), length);
    case 4:
    case 5:
      return mm.munmap(address, length);
    case 6:
    case 7:
      return mm.mprotect(address, length, rand(4));
    case 8:
      return mm.mremap({
        address,
        oldLength: length,
        newLength: (1 + rand(8)) * PAGE,
        flags: MREMAP_MAYMOVE,
      });
    case 9:
      return mm.madvise(address, length, MADV_DONTFORK + rand(2));
    case 10:
      return mm.setVmaName(address, length, rand(2) === 0 ? null : `name ${rand(3)}`);
    default:
      return move(mm, address, other, length);
  }
}

function covers(vma, address) {
  if (vma === null || (vma.start <= address && address < vma.end)) return;
  throw new Error(`asked for ${address}, got [${vma.start}, ${vma.end})`);
}

/** One look. */
function look(mm) {
  const address = base + rand(pages * PAGE);
  switch (rand(6)) {
    case 0:
    case 1:
    case 2:
      return mm.handleMmFault(address, ACCESSES[rand(3)]);
    case 3:
      return covers(mm.peek(address), address);
    case 4: {
      const guard = mm.lockVmaUnderRcu(address);
      return guard === null ? undefined : holding(guard, () => stands(guard, address));
    }
    default:
      return holding(mm.mmapReadLock(), (guard) => covers(guard.vmaLookup(address), address));
  }
}

/** A read-locked VMA: the right one, and it stays as it is. */
function stands(guard, address) {
  const { start, end } = guard;
  covers(guard, address);
  for (let i = rand(50); i > 0; i--) {
    if (guard.start !== start || guard.end !== end) throw new Error("a locked VMA changed");
  }
}

/** A child, a few changes in it, perhaps a grandchild; sound before it goes. */
function fork(mm, depth = 0) {
  holding(mm.fork(), (child) => {
    for (let i = rand(6); i > 0; i--) attempt(() => change(child));
    if (depth === 0 && rand(3) === 0) attempt(() => fork(child, 1));
    sound(child);
  });
}

function sound(mm) {
  const broken = mm.validate();
  if (broken.length !== 0) throw new Error(`not sound: ${JSON.stringify(broken)}`);
}

const WORK = { writer: change, faulter: look, forker: (mm) => fork(mm) };

while (Atomics.load(control, words.STOP) === 0) {
  const phase = Atomics.load(control, words.PHASE);
  if (phase % 2 === 1) {
    Atomics.add(control, words.PAUSED, 1);
    Atomics.notify(control, words.PAUSED);
    Atomics.wait(control, words.PHASE, phase);
    continue;
  }
  const mm = MmWithUser.fromRaw(engine, Atomics.load(control, words.MM));
  for (let i = 0; i < BATCH; i++) attempt(() => WORK[role](mm));
}
engine.dispose();

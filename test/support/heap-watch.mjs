// Measures what each call of the raw plane allocates in JavaScript's heap, in a process of its
// own: no collection runs between two looks at the heap, so that their difference is what was
// allocated. Prints { call: bytes } as JSON. Runs the built package.
//
//   node --expose-gc --min-semi-space-size=64 --max-semi-space-size=64 test/support/heap-watch.mjs

import { Engine, MapFlags, Prot } from "../../dist/src/index.js";

const PAGE = 4096;
const PAGES = 64;
const RW = Prot.READ | Prot.WRITE;
const ANON = MapFlags.PRIVATE | MapFlags.ANONYMOUS;
const WRITE = 1;
const CALLS = 50_000;
const WARM_UPS = 20;
const ROUNDS = 5;
const COMPILERS_MS = 50;

const engine = await Engine.create();
const { raw } = engine;
const space = engine.createMm();
const mm = space.asRaw();
const base = raw.mmap(mm, 0, PAGES * PAGE, RW, ANON, 0, 0);
const addresses = Float64Array.from({ length: PAGES }, (_, i) => base + i * PAGE + 7);
const out = new Float64Array(16);
const address = (i) => addresses[i % PAGES];

const CALLED = {
  /** The meter shows what is allocated: a number that is no small integer, kept. */
  boxed: (i) => {
    kept = { at: address(i) };
    return 0;
  },
  vmaLookup: (i) => raw.vmaLookup(mm, address(i)),
  vmaStart: (i) => raw.vmaStart(raw.vmaLookup(mm, address(i))),
  peek: (i) => raw.peek(mm, address(i), out),
  "lockVmaUnderRcu, vmaEndRead": (i) => {
    const vma = raw.lockVmaUnderRcu(mm, address(i));
    raw.vmaEndRead(vma);
    return vma;
  },
  "mmapReadLock, mmapReadUnlock": () => {
    raw.mmapReadLock(mm);
    raw.mmapReadUnlock(mm);
    return 0;
  },
  handleMmFault: (i) => raw.handleMmFault(mm, address(i), WRITE),
  "mmap, munmap": () => {
    const at = raw.mmap(mm, 0, PAGE, Prot.READ, ANON, 0, 0);
    return raw.munmap(mm, at, PAGE);
  },
};
let kept = null;

/** A loop of its own for each call, so that each is compiled for it alone. */
function looped(call) {
  return new Function(
    "call",
    "n",
    "let sum = 0; for (let i = 0; i < n; i++) sum += call(i); return sum;",
  ).bind(null, call);
}

const bytes = {};
for (const [name, call] of Object.entries(CALLED)) {
  const loop = looped(call);
  for (let i = 0; i < WARM_UPS; i++) loop(CALLS);
  await new Promise((done) => setTimeout(done, COMPILERS_MS));
  // The smallest of some rounds: a compiler's own objects come once.
  bytes[name] = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    loop(CALLS);
    const grown = process.memoryUsage().heapUsed - before;
    bytes[name] = Math.min(bytes[name], grown / CALLS);
  }
}
console.log(JSON.stringify(bytes));
if (kept === null) throw new Error("the control did not run");
space.dispose();
engine.dispose();

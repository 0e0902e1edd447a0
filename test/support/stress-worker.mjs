// A stress worker: looks up, locks, peeks and faults in a loop, and checks what it gets.
// Runs the built package.

import { exposeWorker } from "../../dist/src/comlink.js";
import { MmError } from "../../dist/src/index.js";

const PAGE = 4096;

/** xorshift32: the same numbers for the same seed. */
function random(seed) {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function covers(vma, address, how) {
  if (vma.start <= address && address < vma.end) return;
  throw new Error(
    `${how}: asked 0x${address.toString(16)}, got [0x${vma.start.toString(16)}, 0x${vma.end.toString(16)})`,
  );
}

exposeWorker({
  /** Reads for `ms`; what it did, by kind. */
  read(mm, { base, pages, seed, ms }) {
    const rand = random(seed);
    const did = { locked: 0, missed: 0, peeked: 0, looked: 0, faulted: 0 };
    const end = Date.now() + ms;
    while (Date.now() < end) {
      for (let i = 0; i < 200; i++) {
        const address = base + rand(pages * PAGE);
        const kind = rand(20);
        if (kind < 8) {
          const guard = mm.lockVmaUnderRcu(address);
          if (guard === null) did.missed++;
          else {
            const { start, end: stop } = guard;
            covers(guard, address, "lockVmaUnderRcu");
            if (guard.mm().asRaw() !== mm.asRaw()) throw new Error("a VMA of another space");
            // The lock holds: a second look must see the same VMA.
            if (guard.start !== start || guard.end !== stop)
              throw new Error("a locked VMA changed");
            guard.dispose();
            did.locked++;
          }
        } else if (kind < 15) {
          const copy = mm.peek(address);
          if (copy !== null) covers(copy, address, "peek");
          did.peeked++;
        } else if (kind < 17) {
          const guard = mm.mmapReadLock();
          const vma = guard.vmaLookup(address);
          if (vma !== null) covers(vma, address, "vmaLookup");
          guard.dispose();
          did.looked++;
        } else {
          const { outcome } = mm.handleMmFault(address, rand(2) === 0 ? "read" : "write");
          if (outcome === "BUS_ADRERR") throw new Error("SIGBUS on anonymous memory");
          did.faulted++;
        }
      }
    }
    mm.dispose();
    return did;
  },

  /** Maps, unmaps and protects for `ms`; how many calls succeeded. */
  write(mm, { base, pages, seed, ms }) {
    const rand = random(seed);
    let done = 0;
    const end = Date.now() + ms;
    while (Date.now() < end) {
      for (let i = 0; i < 50; i++) {
        const address = base + rand(pages) * PAGE;
        const length = (1 + rand(8)) * PAGE;
        try {
          const kind = rand(10);
          if (kind < 4) mm.mmap({ address, length, prot: 1 + rand(3), flags: 0x32 });
          else if (kind < 7) mm.munmap(address, length);
          else if (kind < 9) mm.mprotect(address, length, rand(4));
          else mm.madvise(address, length, rand(2) === 0 ? 10 : 11);
          done++;
        } catch (error) {
          if (!(error instanceof MmError)) throw error;
        }
      }
      if (mm.validate().length !== 0) throw new Error(JSON.stringify(mm.validate()));
    }
    mm.dispose();
    return done;
  },
});

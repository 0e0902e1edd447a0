// A worker of the main-thread tests: keeps a space busy, or holds a lock until it is told.

import { exposeWorker } from "../../../src/comlink.js";
import { MmError, type MmWithUser } from "../../../src/index.js";
import { BASE, FIXED_ANON, PAGE, PAGES, random } from "./space.js";

/** Between two looks at the clock. */
const BATCH = 100;

function change(mm: MmWithUser, rand: (below: number) => number): void {
  const address = BASE + rand(PAGES) * PAGE;
  const length = (1 + rand(4)) * PAGE;
  const kind = rand(10);
  if (kind < 5) mm.mmap({ address, length, prot: 1 + rand(3), flags: FIXED_ANON });
  else if (kind < 7) mm.munmap(address, length);
  else mm.mprotect(address, length, rand(4));
}

function look(mm: MmWithUser, rand: (below: number) => number): void {
  const address = BASE + rand(PAGES * PAGE);
  if (rand(3) === 0) {
    mm.handleMmFault(address, rand(2) === 0 ? "read" : "write");
    return;
  }
  const guard = mm.lockVmaUnderRcu(address);
  if (guard === null) return;
  if (address < guard.start || address >= guard.end) throw new Error("locked the wrong VMA");
  guard.dispose();
}

exposeWorker(() => {
  let held: Disposable | null = null;
  return {
    /** Changes, or looks, without a pause; how many calls. Only termination ends it if `ms` is Infinity. */
    work(mm: MmWithUser, what: "change" | "look" | "both", seed: number, ms: number): number {
      const rand = random(seed);
      const until = performance.now() + ms;
      let calls = 0;
      while (performance.now() < until) {
        for (let i = 0; i < BATCH; i++, calls++) {
          const changes = what === "change" || (what === "both" && rand(2) === 0);
          try {
            if (changes) change(mm, rand);
            else look(mm, rand);
          } catch (error) {
            if (!(error instanceof MmError)) throw error;
          }
        }
      }
      mm.dispose();
      return calls;
    },
    holdWriteLock(mm: MmWithUser): void {
      held = mm.mmapWriteLock();
    },
    holdVma(mm: MmWithUser, address: number): void {
      held = mm.lockVmaUnderRcu(address);
      if (held === null) throw new Error("nobody writes, yet the VMA cannot be locked");
    },
    release(): void {
      held?.[Symbol.dispose]();
    },
    /** Ends without a word to anybody. */
    close(): void {
      self.close();
    },
  };
});

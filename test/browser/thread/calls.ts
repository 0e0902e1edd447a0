// Every call of the API as a main thread makes it: locks are waited for asynchronously, and
// what stands under a write guard may answer WouldBlockError and is then made again.

import {
  type MmapReadGuard,
  type MmapWriteGuard,
  type MmWithUser,
  WouldBlockError,
} from "../../../src/index.js";
import { whyApart } from "../../../src/why.js";
import { BASE, FIXED_ANON, PAGE, PAGES, RW, random } from "./space.js";

const MREMAP_MAYMOVE = 1;
/** Above what the workers change: no error but WouldBlockError may come from there. */
const OWN = BASE + 2 * PAGES * PAGE;

export class Calls {
  readonly done: Record<string, number> = {};
  refused = 0;
  longestMs = 0;
  readonly #rand = random(7);

  constructor(readonly mm: MmWithUser) {}

  /** Each once. */
  async round(): Promise<void> {
    const { mm } = this;
    const address = BASE + this.#rand(PAGES) * PAGE;
    this.#call("lockVmaUnderRcu", () => mm.lockVmaUnderRcu(address)?.dispose());
    this.#call("mmapReadTrylock", () => mm.mmapReadTrylock()?.dispose());
    this.#call("mmapWriteTrylock", () => mm.mmapWriteTrylock()?.dispose());
    const read = await mm.mmapReadLockAsync();
    this.#reads(read, address);
    read.dispose();
    const write = await mm.mmapWriteLockAsync();
    this.#writes(write, address);
    this.#call("downgrade", () => write.downgrade().dispose());
    if (!write.released) write.dispose();
    // A turn of the event loop, which a chain of settled promises does not give.
    await new Promise((resolve) => setTimeout(resolve));
  }

  #reads(guard: MmapReadGuard, address: number): void {
    const { mm } = this;
    this.#call("vmaLookup", () => guard.vmaLookup(address));
    this.#call("findVma", () => guard.findVma(address)?.snapshot());
    this.#call("vmas", () => [...guard.vmas()].length);
    this.#call("gaps", () => [...guard.gaps(BASE, BASE + PAGES * PAGE)].length);
    this.#call("peek", () => mm.peek(address));
    this.#call("maps", () => mm.maps());
    this.#call("smaps", () => mm.smaps());
    this.#call("whyApart", () => whyApart(mm, address));
  }

  #writes(guard: MmapWriteGuard, address: number): void {
    const length = 2 * PAGE;
    this.#call("mmap", () => guard.mmap({ address: OWN, length, prot: RW, flags: FIXED_ANON }));
    this.#call("mprotect", () => guard.mprotect(OWN, PAGE, 1));
    this.#call("madvise", () => guard.madvise(OWN, PAGE, 10));
    this.#call("mlock", () => guard.mlock(OWN, PAGE));
    this.#call("munlock", () => guard.munlock(OWN, PAGE));
    this.#call("setVmaName", () => guard.setVmaName(OWN, PAGE, "own"));
    this.#call("mremap", () => {
      const flags = MREMAP_MAYMOVE;
      const at = guard.mremap({ address: OWN, oldLength: PAGE, newLength: 4 * PAGE, flags });
      guard.munmap(at, 4 * PAGE);
    });
    this.#call("brk", () => guard.brk());
    this.#call("mincore", () => guard.mincore(OWN + PAGE, PAGE));
    this.#call("fault", () => guard.handleMmFault(OWN + PAGE, "write"));
    this.#call("mmap over others", () =>
      guard.mmap({ address, length: PAGE, prot: RW, flags: FIXED_ANON }),
    );
    this.#call("munmap", () => guard.munmap(address, PAGE));
    this.#call("fork", () => guard.fork().dispose());
    this.#call("validate", () => this.mm.validate());
  }

  #call(name: string, call: () => unknown): void {
    const before = performance.now();
    try {
      call();
      this.done[name] = (this.done[name] ?? 0) + 1;
    } catch (error) {
      if (!(error instanceof WouldBlockError)) throw error;
      this.refused++;
    }
    this.longestMs = Math.max(this.longestMs, performance.now() - before);
  }
}

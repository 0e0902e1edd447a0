// A pool worker for tests: does what it is told through comlink. Runs the built package.

import { exposeWorker, move } from "../../dist/src/comlink.js";
import { MmError } from "../../dist/src/index.js";

const PAGE = 4096;

exposeWorker((engine) => {
  let kept = null;
  return {
    slot: () => engine.slot,
    /** Uses the handle, then gives it back. */
    async use(mm) {
      const seen = { kind: mm.constructor.name, users: mm.mmUsers, count: mm.mmCount };
      mm.dispose();
      return seen;
    },
    keep(mm) {
      kept = mm;
    },
    dropKept() {
      kept?.dispose();
      kept = null;
    },
    create() {
      return move(engine.createMm());
    },
    openFile(name) {
      return move(engine.openFile({ name, size: PAGE }));
    },
    mapFile(mm, file) {
      const at = mm.mmap({ length: PAGE, prot: 1, flags: 2, file });
      mm.dispose();
      file.dispose();
      return at;
    },
    fail() {
      if (kept === null) throw new TypeError("nothing kept");
      kept.munmap(1, PAGE);
    },
    returnError() {
      return new MmError(22, "munmap", { address: 1 });
    },
    returnGuard() {
      const guard = kept.mmapReadLock();
      queueMicrotask(() => queueMicrotask(() => guard.dispose()));
      return guard;
    },
    /** Holds the write lock for a while; the main thread may wait for it without blocking. */
    holdWriteLock(ms) {
      const guard = kept.mmapWriteLock();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
      guard.dispose();
    },
    /** A pending async lock keeps the worker alive, and settles. */
    async lockAsync() {
      const guard = await kept.mmapReadLockAsync();
      guard.dispose();
      return "held";
    },
    exit() {
      process.exit(3);
    },
    /** Ends once `word` is 2, with the write lock held, and without a word to the event loop. */
    exitHolding(word) {
      kept.mmapWriteLock();
      Atomics.store(word, 0, 1);
      Atomics.notify(word, 0);
      Atomics.wait(word, 0, 1);
      process.exit(3);
    },
    forever: () => new Promise(() => {}),
  };
});

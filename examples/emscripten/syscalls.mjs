// The memory system calls of a program whose address space is its own linear memory, under the
// names that Emscripten's libc imports: mmap with munmap of parts, mprotect, mremap, madvise.
//
// The engine decides where a mapping lies and what a call answers; the bytes are the program's
// own. What cannot be done here: wasm has no page protection, so that a store to a page without
// PROT_WRITE is not stopped (mprotect answers and keeps the books), and memory that is unmapped
// stays readable.

import { Madvise, MapFlags, MremapFlags } from "vmaple";

const PAGE = 4096;
const ENODEV = 19;

const up = (bytes) => Math.ceil(bytes / PAGE) * PAGE;

/**
 * @param {import("vmaple").Engine} engine
 * @param {WebAssembly.Memory} memory the program's, at its full size: the space cannot grow
 * @param {number} base bytes: what lies below (data, stack, heap) is the program's own
 */
export function memorySyscalls(engine, memory, base) {
  const bytes = memory.buffer.byteLength;
  const mm = engine.createMm({
    taskSize: bytes,
    mmapMinAddr: up(base),
    mmapBase: bytes,
    stackGuardGapPages: 0,
  });
  const { raw } = engine;
  const space = mm.asRaw();

  /** What is newly mapped reads as zeros. */
  function clear(start, end) {
    new Uint8Array(memory.buffer).fill(0, start, end);
  }

  const env = {
    /** fd -1 only: there are no files. The offset counts pages. */
    __syscall_mmap2(address, length, prot, flags, fd, _pages) {
      if ((flags & MapFlags.ANONYMOUS) === 0) return fd < 0 ? -9 : -ENODEV;
      const at = raw.mmap(space, address >>> 0, length >>> 0, prot, flags, 0, 0);
      if (at >= 0) clear(at, at + up(length >>> 0));
      return at;
    },
    __syscall_munmap(address, length) {
      return raw.munmap(space, address >>> 0, length >>> 0);
    },
    __syscall_mprotect(address, length, prot) {
      return raw.mprotect(space, address >>> 0, length >>> 0, prot);
    },
    __syscall_mremap(address, oldLength, newLength, flags, newAddress) {
      const from = address >>> 0;
      const [before, after] = [up(oldLength >>> 0), up(newLength >>> 0)];
      const target = (flags & MremapFlags.FIXED) !== 0 ? newAddress >>> 0 : 0;
      const at = raw.mremap(space, from, oldLength >>> 0, newLength >>> 0, flags, target);
      if (at < 0) return at;
      const view = new Uint8Array(memory.buffer);
      if (at !== from) view.copyWithin(at, from, from + Math.min(before, after));
      if (after > before) clear(at + before, at + after);
      return at;
    },
    __syscall_madvise(address, length, advice) {
      const result = raw.madvise(space, address >>> 0, length >>> 0, advice);
      const start = address >>> 0;
      if (result === 0 && advice === Madvise.DONTNEED) clear(start, start + up(length >>> 0));
      return result;
    },
  };
  return { env, mm };
}

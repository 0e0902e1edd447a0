// A worker of the kill test: works on one address space without pause until it is terminated.

import { parentPort, workerData } from "node:worker_threads";

const { module, memory, mm, seed, pages, base } = workerData;
const x = new WebAssembly.Instance(module, { env: { memory } }).exports;
parentPort.postMessage(x.worker_attach(1));

const PAGE = 4096;
const FIXED_ANON = 0x32;
let state = seed >>> 0;
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};

for (;;) {
  const at = base + below(pages) * PAGE;
  const length = (1 + below(4)) * PAGE;
  switch (below(10)) {
    case 0:
    case 1:
      x.mmap(mm, at, length, 3, FIXED_ANON, 0, 0);
      break;
    case 2:
      x.munmap(mm, at, length);
      break;
    case 3:
      x.mprotect(mm, at, length, 1 + 2 * below(2));
      break;
    case 4:
      if (x.mmap_read_lock(mm) === 0) {
        x.vma_lookup(mm, at);
        x.mmap_read_unlock(mm);
      }
      break;
    case 5: {
      const vma = x.lock_vma_under_rcu(mm, at);
      if (vma !== 0) x.vma_end_read(vma);
      break;
    }
    default:
      x.handle_mm_fault(mm, at, below(2));
  }
}

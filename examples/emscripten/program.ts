// A program that asks for memory by system calls and looks at what it got. Its answer is 0, or
// the number of the first thing that is not so.

import {
  __syscall_madvise as madvise,
  __syscall_mmap2 as mmap,
  __syscall_mprotect as mprotect,
  __syscall_mremap as mremap,
  __syscall_munmap as munmap,
} from "./env";

const PAGE: u32 = 4096;
const RW: i32 = 3;
const ANON: i32 = 0x22;
const FIXED: i32 = 0x10;
const MAYMOVE: i32 = 1;
const DONTNEED: i32 = 4;
const EINVAL: i32 = 22;
const EFAULT: i32 = 14;
const ENOMEM: i32 = 12;

function sum(start: u32, length: u32): u32 {
  let total: u32 = 0;
  for (let at = start; at < start + length; at++) total += load<u8>(at);
  return total;
}

export function main(): i32 {
  // Two neighbours: the second lies right below the first, as Linux places them.
  const a = mmap(0, 3 * PAGE, RW, ANON, -1, 0);
  const b = mmap(0, 2 * PAGE, RW, ANON, -1, 0);
  if (a <= 0 || b != a - <i32>(2 * PAGE)) return 1;
  memory.fill(a, 1, 3 * PAGE);
  memory.fill(b, 2, 2 * PAGE);

  // b cannot grow in place: it moves, with what is in it, and the rest reads as zeros.
  if (mremap(b, 2 * PAGE, 4 * PAGE, 0, 0) != -ENOMEM) return 2;
  const c = mremap(b, 2 * PAGE, 4 * PAGE, MAYMOVE, 0);
  if (c <= 0 || c == b) return 3;
  if (sum(c, 2 * PAGE) != 2 * 2 * PAGE || sum(c + 2 * PAGE, 2 * PAGE) != 0) return 4;
  if (mremap(b, PAGE, PAGE, 0, 0) != -EFAULT) return 5;

  // A hole in the middle, filled again: zeros; its neighbours are as they were.
  if (munmap(a + PAGE, PAGE) != 0) return 6;
  if (mprotect(a, 3 * PAGE, 1) != -ENOMEM) return 7;
  if (mmap(a + PAGE, PAGE, RW, ANON | FIXED, -1, 0) != a + <i32>PAGE) return 8;
  if (sum(a, PAGE) != PAGE || sum(a + PAGE, PAGE) != 0 || sum(a + 2 * PAGE, PAGE) != PAGE) return 9;

  if (madvise(a, PAGE, DONTNEED) != 0 || sum(a, PAGE) != 0) return 10;
  if (munmap(a + 1, PAGE) != -EINVAL) return 11;
  if (mmap(0, 0x7fffffff, RW, ANON, -1, 0) != -ENOMEM) return 12;
  return 0;
}

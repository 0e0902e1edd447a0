// What libc imports. AssemblyScript takes the name of this file for the module's.

export declare function __syscall_mmap2(
  address: u32,
  length: u32,
  prot: i32,
  flags: i32,
  fd: i32,
  pages: i32,
): i32;
export declare function __syscall_munmap(address: u32, length: u32): i32;
export declare function __syscall_mprotect(address: u32, length: u32, prot: i32): i32;
export declare function __syscall_mremap(
  address: u32,
  before: u32,
  after: u32,
  flags: i32,
  to: u32,
): i32;
export declare function __syscall_madvise(address: u32, length: u32, advice: i32): i32;

// What the page shows before anybody has chosen anything: mprotect in the middle of a mapping.

import type { Start } from "../app/machine.js";
import type { Planned } from "../app/timeline.js";

const PROGRAM = 0x5555_5555_4000;
const LIBRARY = 0x7fff_f7dc_0000;
const BUFFER = 0x7fff_f7d8_0000;

/** A small process as exec leaves it: program, heap to come, a library, the stack. */
export const SMALL_PROCESS: Start = {
  options: { mmapBase: 0x7fff_f7ff_f000, startBrk: 0x5555_5557_0000, startStack: 0x7fff_ffff_e8a0 },
  vmas: [
    file(PROGRAM, 0x2000, "r--p", 0, "/usr/bin/demo"),
    file(PROGRAM + 0x2000, 0x8000, "r-xp", 0x2000, "/usr/bin/demo"),
    file(PROGRAM + 0xa000, 0x3000, "r--p", 0xa000, "/usr/bin/demo"),
    file(PROGRAM + 0xd000, 0x1000, "rw-p", 0xc000, "/usr/bin/demo"),
    file(LIBRARY, 0x26000, "r--p", 0, "/usr/lib/libc.so.6"),
    file(LIBRARY + 0x26000, 0x155000, "r-xp", 0x26000, "/usr/lib/libc.so.6"),
    file(LIBRARY + 0x17b000, 0x54000, "r--p", 0x17b000, "/usr/lib/libc.so.6"),
    file(LIBRARY + 0x1cf000, 0x2000, "rw-p", 0x1cf000, "/usr/lib/libc.so.6"),
    file(0x7fff_f7ff_b000, 0x2000, "r-xp", 0, "[vdso]"),
    file(0x7fff_fffd_e000, 0x2_1000, "rw-p", 0, "[stack]"),
  ],
};

const RW_ANONYMOUS = [3, 0x32, -1, 0] as const;

/** Map, make the middle read-only (split), make it writable again (merge), unmap a hole. */
export const MPROTECT_THE_MIDDLE: readonly Planned[] = [
  plan("mmap", BUFFER, 0x10000, ...RW_ANONYMOUS),
  plan("mprotect", BUFFER + 0x4000, 0x4000, 1),
  plan("mprotect", BUFFER + 0x4000, 0x4000, 3),
  plan("munmap", BUFFER + 0x8000, 0x2000),
  plan("mmap", BUFFER + 0x8000, 0x2000, ...RW_ANONYMOUS),
];

function plan(op: "mmap" | "mprotect" | "munmap", ...args: number[]): Planned {
  return { call: { op, args, text: "" } };
}

function file(start: number, length: number, perms: string, offset: number, name: string) {
  return { start, end: start + length, perms, offset, inode: name.startsWith("/") ? 1 : 0, name };
}

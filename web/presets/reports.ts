// Twelve faults of other address spaces, out of public bug reports, each as a few calls with the
// results that Linux 6.18 gives. B is 0x10000000.

import type { Start } from "../app/machine.js";

export interface Report {
  readonly id: string;
  /** `owner/repo#number` on GitHub. */
  readonly report: string;
  readonly title: string;
  /** What went wrong there, in one sentence. */
  readonly sentence: string;
  /** Besides an empty space. */
  readonly options?: Start["options"];
  /** Calls with their results. */
  readonly lines: readonly string[];
}

export const REPORTS: readonly Report[] = [
  {
    id: "B001",
    report: "emscripten-core/emscripten#21816",
    title: "Cut an aligned chunk out of a mapping",
    sentence:
      "An allocator maps 4 MiB and unmaps head and tail to get 2 MiB aligned; munmap could not cut.",
    lines: [
      "mmap 4M rw fixed at 0x10001000 => 0x10001000",
      "munmap 0x10001000 0x1ff000 => 0",
      "munmap 0x10400000 4K => 0",
      "munmap 0x10200000 2M => 0",
    ],
  },
  {
    id: "B003",
    report: "emscripten-core/emscripten#14504",
    title: "Unmap the middle page",
    sentence: "A partial munmap kept the whole mapping and leaked the rest without a word.",
    lines: [
      "mmap 3p rw fixed at 0x10000000 => 0x10000000",
      "munmap 0x10001000 1p => 0",
      "fault 0x10001000 read => SEGV_MAPERR",
      "fault 0x10002000 write => 0",
    ],
  },
  {
    id: "B009",
    report: "unicorn-engine/unicorn#1549",
    title: "Protect the middle of a file mapping",
    sentence: "After mprotect the middle showed other bytes: its offset into the file was lost.",
    lines: [
      "mmap 16p rw fixed at 0x10000000 file /tmp/data => 0x10000000",
      "mprotect 0x10004000 3p r => 0",
      "fault 0x10005000 write => SEGV_ACCERR",
      "fault 0x10007000 write => 0",
    ],
  },
  {
    id: "B017",
    report: "qilingframework/qiling#979",
    title: "A hint is no order",
    sentence: "Hints and MAP_FIXED were mixed up: a hint that is taken must give another place.",
    lines: [
      "mmap 2p rw fixed at 0x10000000 => 0x10000000",
      "mmap 1p r at 0x10008000 => 0x10008000",
      "mmap 1p r at 0x10000000 => 0x7ffff7ffe000",
      "mmap 1p r at 0x10010005 => 0x10010000",
      "mmap 1p r fixed at 0x10000000 => 0x10000000",
    ],
  },
  {
    id: "B019",
    report: "asterinas/asterinas#1172",
    title: "Length zero",
    sentence:
      "A length of 0 ended in an assertion; Linux refuses it in mmap, munmap and mremap, and accepts it in the rest.",
    lines: [
      "mmap 1p rw fixed at 0x10000000 => 0x10000000",
      "mmap 0 r => EINVAL",
      "munmap 0x10000000 0 => EINVAL",
      "mprotect 0x10000000 0 r => 0",
      "madvise 0x10000000 0 normal => 0",
      "mremap 0x10000000 4K 0 => EINVAL",
    ],
  },
  {
    id: "B023",
    report: "asterinas/asterinas#1604",
    title: "Places that are not for you",
    sentence: "MAP_FIXED at an illegal low address hit an assertion instead of giving EPERM.",
    options: { mmapMinAddr: 4096 },
    lines: [
      "mmap 1p rw fixed at 0x1000 => 0x1000",
      "mmap 1p rw fixed at 0xffff800000000000 => ENOMEM",
      "munmap 0x1000 1p => 0",
      "mmap 1p rw flags=0x32 => EPERM",
    ],
  },
  {
    id: "B025",
    report: "asterinas/asterinas#2236",
    title: "Shrink a file mapping and grow it again",
    sentence: "The mapping was cut short; growing it back tripped an assertion about its offset.",
    lines: [
      "mmap 2p rw shared fixed at 0x10000000 file /tmp/data => 0x10000000",
      "munmap 0x10001000 1p => 0",
      "mremap 0x10000000 4K 8K maymove => 0x10000000",
    ],
  },
  {
    id: "B027",
    report: "asterinas/asterinas#2919",
    title: "A change that makes two alike",
    sentence: "mprotect that let two VMAs merge panicked.",
    lines: [
      "mmap 2p rw fixed at 0x10000000 => 0x10000000",
      "mprotect 0x10000000 1p r => 0",
      "mprotect 0x10000000 2p rw => 0",
    ],
  },
  {
    id: "B031",
    report: "google/gvisor#11360",
    title: "Top-down places merge",
    sentence:
      "70,000 VMAs where Linux has a hundred: each new mapping was placed where it could not merge.",
    lines: [
      "mmap 1p rw => 0x7ffff7ffe000",
      "mmap 1p rw => 0x7ffff7ffd000",
      "mmap 1p rw => 0x7ffff7ffc000",
      "mmap 1p r => 0x7ffff7ffb000",
      "mmap 1p rw => 0x7ffff7ffa000",
    ],
  },
  {
    id: "B037",
    report: "sysprog21/elfuse#389",
    title: "Growing into a neighbour",
    sentence: "mremap grew in place over the next page, which had merged with the mapping itself.",
    lines: [
      "mmap 1p rw fixed at 0x10000000 => 0x10000000",
      "mmap 1p rw fixed at 0x10001000 => 0x10001000",
      "mremap 0x10000000 4K 8K => ENOMEM",
      "mremap 0x10000000 4K 8K maymove => 0x7ffff7ffd000",
    ],
  },
  {
    id: "B043",
    report: "mikaku/Fiwix#16",
    title: "Overlapping MAP_FIXED",
    sentence: "Mapping over half of a mapping merged wrongly, and too many pages were freed.",
    lines: [
      "mmap 2p rw fixed at 0x10000000 => 0x10000000",
      "mmap 4p none fixed at 0x10001000 => 0x10001000",
      "mmap 1p rw fixed at 0x10002000 => 0x10002000",
    ],
  },
  {
    id: "B059",
    report: "rcore-os/tgoskits#2261",
    title: "Half done is done",
    sentence:
      "mprotect over a hole gives ENOMEM, and yet what lies before the hole has changed: so does Linux.",
    lines: [
      "mmap 2p rw fixed at 0x10000000 => 0x10000000",
      "mmap 1p rw fixed at 0x10003000 => 0x10003000",
      "mprotect 0x10000000 4p r => ENOMEM",
      "fault 0x10000000 write => SEGV_ACCERR",
      "fault 0x10003000 write => 0",
    ],
  },
];

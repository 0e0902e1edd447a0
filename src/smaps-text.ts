// The text of /proc/PID/smaps, from the VMAs of one mm (section 15 of the rules).
//
// Not modelled: pages. What counts them, Rss to Locked, is 0. There is no ProtectionKey
// line, as on a processor without protection keys.
// Context: the mmap lock. Floor: S2. Imports: shared, flags, formats/vmflags, maps-text.

import { MmArg } from "../assembly/shared/abi.js";
import { FileFlag } from "../assembly/shared/flags.js";
import type { Core } from "./core.js";
import { hasFlags, VmFlags } from "./flags.js";
import { flagCodes } from "./formats/vmflags.js";
import { MapsReader, type VmaSnapshot } from "./maps-text.js";
import { snapshots } from "./read-space.js";

const LABEL_WIDTH = 16;
const NUMBER_WIDTH = 8;
const KIB = 1024;
/** Of a hugetlb mapping restored from a snapshot, which does not say. */
const HUGETLB_PAGE = 2 * KIB * KIB;
const THP_MADVISE = 1;
const THP_ALWAYS = 2;

/** Not modelled: from page tables, which the engine has not. */
const PAGE_COUNTS = /* @__PURE__ */ (
  "Rss Pss Pss_Dirty Shared_Clean Shared_Dirty Private_Clean Private_Dirty Referenced Anonymous " +
  "KSM LazyFree AnonHugePages ShmemPmdMapped FilePmdMapped Shared_Hugetlb Private_Hugetlb Swap " +
  "SwapPss Locked"
)
  .split(" ")
  .map((label) => line(label, 0))
  .join("");

/** Bits of VM_SPECIAL, and huge pages of another kind. */
const NEVER_THP = [
  VmFlags.NOHUGEPAGE,
  VmFlags.HUGETLB,
  VmFlags.IO,
  VmFlags.DONTEXPAND,
  VmFlags.PFNMAP,
  VmFlags.MIXEDMAP,
];

/** The text of smaps. */
export function smapsText(core: Core, mm: number): string {
  core.x.mm_settings(mm, core.scratch);
  const pageSize = 2 ** (core.f64[MmArg.PAGE_SHIFT] as number);
  const thp = core.f64[MmArg.THP] as number;
  const reader = new MapsReader(core, mm);
  let text = "";
  for (const vma of snapshots(core, mm, reader)) {
    const page = hasFlags(vma.flags, VmFlags.HUGETLB) ? hugePage(vma.file, reader) : pageSize;
    const anonymous = vma.file === 0 || isPrivateZero(vma, reader.fileFlags(vma.file));
    text +=
      reader.line(vma) +
      line("Size", (vma.end - vma.start) / KIB) +
      line("KernelPageSize", page / KIB) +
      line("MMUPageSize", page / KIB) +
      PAGE_COUNTS +
      `THPeligible:    ${`${thpEligible(vma, anonymous, thp, pageSize)}`.padStart(NUMBER_WIDTH)}\n` +
      `VmFlags: ${[...flagCodes(vma.flags), ""].join(" ")}\n`;
  }
  return text;
}

function hugePage(file: number, reader: MapsReader): number {
  return (file === 0 ? null : reader.hugePageBytes(file)) ?? HUGETLB_PAGE;
}

function line(label: string, kib: number): string {
  return `${`${label}:`.padEnd(LABEL_WIDTH)}${`${kib}`.padStart(NUMBER_WIDTH)} kB\n`;
}

/** R-BASE-8: private /dev/zero is anonymous memory that keeps its file. */
function isPrivateZero(vma: VmaSnapshot, fileFlags: number): boolean {
  return (fileFlags & FileFlag.DEV_ZERO) !== 0 && !hasFlags(vma.flags, VmFlags.MAYSHARE);
}

/**
 * 1 if a huge page may be put into the VMA: anonymous, allowed by the sysfs setting, and an
 * aligned huge page's range is inside. Files are not, as without shmem or read-only file
 * huge pages (both Linux's default).
 */
function thpEligible(vma: VmaSnapshot, anonymous: boolean, thp: number, pageSize: number): 0 | 1 {
  const asked = thp === THP_MADVISE && hasFlags(vma.flags, VmFlags.HUGEPAGE);
  if (!anonymous || !(asked || thp === THP_ALWAYS)) return 0;
  if (NEVER_THP.some((bit) => hasFlags(vma.flags, bit))) return 0;
  const huge = (pageSize * pageSize) / 8; // as many pages as a page of 8-byte entries maps
  return Math.ceil(vma.start / huge) * huge + huge <= vma.end ? 1 : 0;
}

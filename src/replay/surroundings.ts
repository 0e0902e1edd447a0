// What lies outside a recording's window. The kernel's answers depend on it through
// five numbers only: how many VMAs there are (max_map_count), how many pages in all
// (RLIMIT_AS), how many of them data (RLIMIT_DATA), and where free space is. So the
// recorded process is rebuilt from VMAs of our own with the same numbers.
//
//   "free"    1 data, 1 stack, the rest small program pieces; far from the window
//   "full"    the same, and PROT_NONE pieces of a foreign file over all that is left:
//             the window is the only free place, and nothing merges with its ends

import { VmBit } from "../../assembly/shared/flags.js";
import type { RecordingHeader } from "../formats/recording.js";

export const PAGE = 4096;
/** Bytes: x86-64, 47 bits, less the page below the non-canonical hole. */
export const TASK_SIZE = 0x7fff_ffff_f000;

const MAY = 2 ** VmBit.MAYREAD + 2 ** VmBit.MAYWRITE + 2 ** VmBit.MAYEXEC;
const PROGRAM = 2 ** VmBit.READ + MAY;
const DATA = 2 ** VmBit.READ + 2 ** VmBit.WRITE + MAY + 2 ** VmBit.ACCOUNT;
const STACK = DATA + 2 ** VmBit.GROWSDOWN;
const BLOCKER = 2 ** VmBit.SHARED + 2 ** VmBit.MAYSHARE + MAY + 2 ** VmBit.NORESERVE;

const PROGRAM_START = 0x40_0000;
const FIRST_PAGE = PAGE;

export interface OutsideVma {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  /** Maps the foreign file; else anonymous memory. */
  readonly mapsFile: boolean;
}

interface Sizes {
  count: number;
  all: number;
  data: number;
  stack: number;
}

export function outsideVmas(header: RecordingHeader): OutsideVma[] {
  const [all = 0, , data = 0, stack = 0] = header.initialCounts;
  const sizes = { count: header.outsideVmas, all, data, stack };
  return header.full ? everythingTaken(header, sizes) : farAway(sizes);
}

function piece(start: number, pages: number, flags: number, mapsFile: boolean): OutsideVma {
  return { start, end: start + pages * PAGE, flags, mapsFile };
}

/** Small pieces from the program's place upwards, then data; the stack ends the space. */
function farAway(sizes: Sizes): OutsideVma[] {
  const vmas: OutsideVma[] = [];
  let at = PROGRAM_START;
  let left = sizes.all - sizes.data - sizes.stack;
  for (let rest = sizes.count - 2; rest > 0; rest--) {
    const pages = rest === 1 ? left : 1;
    vmas.push(piece(at, pages, PROGRAM, true));
    at += (pages + 1) * PAGE;
    left -= pages;
  }
  vmas.push(piece(at, sizes.data, DATA, false));
  vmas.push(piece(TASK_SIZE - sizes.stack * PAGE, sizes.stack, STACK, false));
  return vmas;
}

function everythingTaken(header: RecordingHeader, sizes: Sizes): OutsideVma[] {
  const windowEnd = header.base + header.window * PAGE;
  const stackStart = TASK_SIZE - sizes.stack * PAGE;
  const data = piece(FIRST_PAGE, sizes.data, DATA, false);
  const vmas = [data];
  let at = data.end;
  // Data, stack, and the two large pieces around the window are four.
  for (let rest = sizes.count - 4; rest > 0; rest--) {
    vmas.push(piece(at, 1, BLOCKER, true));
    at += PAGE;
  }
  vmas.push({ start: at, end: header.base, flags: BLOCKER, mapsFile: true });
  vmas.push({ start: windowEnd, end: stackStart, flags: BLOCKER, mapsFile: true });
  vmas.push(piece(stackStart, sizes.stack, STACK, false));
  return vmas;
}

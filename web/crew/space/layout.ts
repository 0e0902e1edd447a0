// The space the page shows: a small process, and the window in which the mapper works.
//
//   0x555555554000  program          0x7ffff7200000  guard | window | guard
//   0x555556000000  [heap]           0x7ffff7f50000  C library, vdso
//                                    0x7ffffffde000  [stack]
//
// The guards never change, so the window keeps its place in the drawing.

import { type Engine, MapFlags, type MmWithUser, Prot } from "../../../src/index.js";

export const PAGE = 4096;

export interface PageRange {
  /** Bytes. */
  readonly start: number;
  readonly pages: number;
  /** Bytes. */
  readonly pageSize: number;
}

export interface Space {
  readonly mm: MmWithUser;
  /** Where the mapper maps, unmaps and re-protects. */
  readonly window: PageRange;
  /** Ranges that only the reader of this page may change. */
  readonly quiet: readonly PageRange[];
}

const R = Prot.READ;
const RW = Prot.READ | Prot.WRITE;
const RX = Prot.READ | Prot.EXEC;

const PROGRAM = 0x5555_5555_4000;
const HEAP = 0x5555_5600_0000;
const HEAP_PAGES = 33;
const WINDOW = 0x7fff_f720_0000;
const WINDOW_PAGES = 96;
const GUARD_PAGES = 4;
const LIBRARY = 0x7fff_f7f5_0000;
const VDSO = 0x7fff_f7ff_d000;
const STACK = 0x7fff_fffd_e000;
const STACK_PAGES = 33;

/** One mapping of a file: pages, prot, offset in pages. */
type Part = readonly [pages: number, prot: number, offset: number];

const PROGRAM_PARTS: readonly Part[] = [
  [4, R, 0],
  [14, RX, 4],
  [5, R, 18],
  [1, R, 22],
  [2, RW, 23],
];
const LIBRARY_PARTS: readonly Part[] = [
  [20, R, 0],
  [76, RX, 20],
  [54, R, 96],
  [1, R, 149],
  [2, RW, 150],
];

export function createSpace(engine: Engine): Space {
  const stackEnd = STACK + STACK_PAGES * PAGE;
  const mm = engine.createMm({ startBrk: HEAP, startStack: stackEnd - 512 });
  const anonymous = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED;
  const map = (address: number, pages: number, prot: number, more = 0) =>
    mm.mmap({ address, length: pages * PAGE, prot, flags: anonymous | more });

  mapFile(engine, mm, PROGRAM, "/usr/bin/demo", 1048602, PROGRAM_PARTS);
  mm.brk(HEAP + HEAP_PAGES * PAGE);
  const libraryEnd = mapFile(
    engine,
    mm,
    LIBRARY,
    "/lib/ld-musl-x86_64.so.1",
    1055371,
    LIBRARY_PARTS,
  );
  map(libraryEnd, 3, RW); // its .bss
  mapSpecial(engine, mm, VDSO, "[vdso]");
  map(STACK, STACK_PAGES, RW, MapFlags.GROWSDOWN | MapFlags.STACK);

  map(WINDOW - GUARD_PAGES * PAGE, GUARD_PAGES, Prot.NONE);
  map(WINDOW, WINDOW_PAGES, RW);
  map(WINDOW + WINDOW_PAGES * PAGE, GUARD_PAGES, Prot.NONE);

  return {
    mm,
    window: range(WINDOW, WINDOW_PAGES),
    quiet: [range(HEAP, HEAP_PAGES), range(STACK, STACK_PAGES), range(libraryEnd, 3)],
  };
}

function range(start: number, pages: number): PageRange {
  return { start, pages, pageSize: PAGE };
}

/** Maps a file's parts one behind the other; where they end. */
function mapFile(
  engine: Engine,
  mm: MmWithUser,
  start: number,
  name: string,
  inode: number,
  parts: readonly Part[],
): number {
  using file = engine.openFile({ name, inode, dev: { major: 8, minor: 2 }, writable: false });
  const flags = MapFlags.PRIVATE | MapFlags.FIXED;
  let address = start;
  for (const [pages, prot, offset] of parts) {
    mm.mmap({ address, length: pages * PAGE, prot, flags, file, offset: offset * PAGE });
    address += pages * PAGE;
  }
  return address;
}

function mapSpecial(engine: Engine, mm: MmWithUser, address: number, name: string): void {
  using file = engine.openFile({ name, kind: "special", writable: false });
  const flags = MapFlags.PRIVATE | MapFlags.FIXED;
  mm.mmap({ address, length: 2 * PAGE, prot: RX, flags, file });
}

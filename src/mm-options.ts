// MmOptions: the settings of a new address space, their defaults, and how they cross.
//
// Defaults are those of Linux 6.18 on x86-64 without address randomisation; spaces that
// are smaller than any real one get defaults that fit into them.
// Floor: S2. Imports: shared, address, core, errors.

import { MmArg, MmFlag } from "../assembly/shared/abi.js";
import { type Address, asNumber, assertFields, checkedNumber, codeOf, shown } from "./address.js";
import type { Core } from "./core.js";
import { checkedPointer } from "./errors.js";
import { mdweBits } from "./mm-flags.js";

/** setrlimit(2): bytes; Infinity is unlimited. */
export interface Rlimits {
  /** RLIMIT_AS. Default unlimited. */
  readonly as?: number;
  /** RLIMIT_DATA. Default unlimited. */
  readonly data?: number;
  /** RLIMIT_MEMLOCK. Default 8 MiB. */
  readonly memlock?: number;
  /** RLIMIT_STACK. Default 8 MiB. */
  readonly stack?: number;
}

export interface MmOptions {
  /** Bytes of a page. Default 4096. */
  readonly pageSize?: 4096 | 16384 | 65536;
  /** End of the space, up to 2^52. Default 2^47 minus one page. */
  readonly taskSize?: Address;
  /**
   * Where the search for room starts: mappings are placed below it (top-down) or above it
   * (bottom-up). Default: Linux's formula, 128 MiB below the end or a third of the space.
   */
  readonly mmapBase?: Address;
  /** Lowest address that may be mapped without capSysRawio. Default 64 KiB; 0 in a space below 4 GiB. */
  readonly mmapMinAddr?: Address;
  /** Default `top-down`. */
  readonly direction?: "top-down" | "bottom-up";
  /** Free pages that a growing stack keeps below itself. Default 256. */
  readonly stackGuardGapPages?: number;
  /** vm.max_map_count. Default 65530. */
  readonly maxMapCount?: number;
  /** Where the heap starts. Default: two thirds of the space, where a PIE's heap is. */
  readonly startBrk?: Address;
  /** The break at the start. Default startBrk. */
  readonly brk?: Address;
  /** Bytes of the program's data segment: they count against RLIMIT_DATA with the heap. Default 0. */
  readonly dataSegment?: Address;
  /** Address of the first stack argument: names the `[stack]` VMA. Default: no VMA has that name. */
  readonly startStack?: Address;
  /** vm.overcommit_memory. Default `heuristic`. */
  readonly overcommit?: "heuristic" | "always" | "never";
  /** Bytes of RAM and swap that overcommit measures against. Default 64 GiB. */
  readonly totalRam?: Address;
  /** transparent_hugepage/enabled. Default `madvise`. */
  readonly thp?: "always" | "madvise" | "never";
  readonly rlimits?: Rlimits;
  /** CAP_IPC_LOCK: RLIMIT_MEMLOCK does not apply. Default false. */
  readonly capIpcLock?: boolean;
  /** CAP_SYS_RAWIO: mmapMinAddr does not apply. Default false. */
  readonly capSysRawio?: boolean;
  /** CONFIG_ANON_VMA_NAME. Default true; false: setVmaName is EINVAL. */
  readonly vmaNames?: boolean;
  /** prctl(PR_SET_MDWE), see `mm.setMdwe`. Default false. */
  readonly mdwe?: boolean | "no-inherit";
  /** personality(READ_IMPLIES_EXEC): mappings that ask for READ get EXEC too. Default false. */
  readonly readImpliesExec?: boolean;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Spaces below this are toys: Linux's distances would not fit into them. */
const SMALL_SPACE = 4 * GIB;
const TASK_SIZE_MAX = 2 ** 52;
/** A limit that is none. */
const UNLIMITED = -1;
const DEFAULT_MEMLOCK = 8 * MIB;
const DEFAULT_STACK = 8 * MIB;
/** Linux keeps at least this much below the end for the stack (R-PLACE-9). */
const STACK_ROOM_MIN = 128 * MIB;

/** Words in the order of their codes, which are the kernel's. */
const OVERCOMMIT = ["heuristic", "always", "never"];
const THP = ["never", "madvise", "always"];
const DIRECTION = ["top-down", "bottom-up"];

/**
 * A new address space; the caller owns its first mm_users count.
 *
 * @throws RangeError an option outside its range; TypeError one of an unknown word
 * @throws MmError ENOMEM the arena is full
 */
export function createMm(core: Core, options: MmOptions): number {
  const words = argumentWords(options);
  const number = numbersOf(options);
  const startBrk = words[MmArg.START_BRK] as number;
  const brk = [number("brk", startBrk), number("dataSegment", 0), number("startStack", 0)] as const;
  const flags =
    mdweBits(options.mdwe ?? false) |
    ((options.vmaNames ?? true) ? 0 : MmFlag.NO_VMA_NAMES) |
    (options.readImpliesExec ? MmFlag.READ_IMPLIES_EXEC : 0);
  core.f64.set(words);
  const pointer = checkedPointer(core.x.mm_create(), "createMm");
  core.x.mm_flags_set(pointer, flags);
  core.x.mm_brk_init(pointer, startBrk, ...brk);
  return pointer;
}

type NumberOption = {
  [Name in keyof MmOptions]-?: Extract<MmOptions[Name], boolean | string | object> extends never
    ? Name
    : never;
}[keyof MmOptions];

/** Options by name: bytes or a count, checked. */
function numbersOf(options: MmOptions) {
  return (name: NumberOption, byDefault: number) => asNumber(options[name] ?? byDefault, name);
}

function argumentWords(options: MmOptions): Float64Array {
  assertFields(options, "options");
  const pageSize = options.pageSize ?? 4096;
  if (pageSize !== 4096 && pageSize !== 16384 && pageSize !== 65536) {
    throw new RangeError(`pageSize must be 4096, 16384 or 65536, not ${shown(pageSize)}`);
  }
  const down = (bytes: number) => bytes - (bytes % pageSize);
  const number = numbersOf(options);
  const aligned = (name: NumberOption, byDefault: number) => {
    const bytes = number(name, byDefault);
    if (bytes % pageSize !== 0)
      throw new RangeError(`${name} must be a multiple of the page size, not ${bytes}`);
    return bytes;
  };
  const taskSize = aligned("taskSize", 2 ** 47 - pageSize);
  if (taskSize === 0 || taskSize > TASK_SIZE_MAX) {
    throw new RangeError(`taskSize must be in (0, 2^52], not ${taskSize}`);
  }
  const small = taskSize < SMALL_SPACE;
  const rlimits = options.rlimits ?? {};
  assertFields(rlimits, "rlimits");
  const stack = limitWord(rlimits, "stack", DEFAULT_STACK);
  const guardPages = number("stackGuardGapPages", 256);
  const third = down(Math.floor(taskSize / 3) + pageSize - 1);
  const bottomUp = codeOf(DIRECTION, options.direction ?? "top-down", "direction");
  const top = small ? taskSize : down(taskSize - stackRoom(taskSize, stack, guardPages * pageSize));
  const base = aligned("mmapBase", bottomUp === 1 ? third : top);
  if (base > taskSize) throw new RangeError("mmapBase must not be above taskSize");

  const words = new Float64Array(MmArg.COUNT);
  words[MmArg.PAGE_SHIFT] = Math.log2(pageSize);
  words[MmArg.TASK_SIZE] = taskSize;
  words[MmArg.MMAP_BASE] = base;
  words[MmArg.LEGACY_BASE] = bottomUp === 1 ? base : third;
  words[MmArg.BOTTOM_UP] = bottomUp;
  words[MmArg.MMAP_MIN_ADDR] = number("mmapMinAddr", small ? 0 : 65536);
  words[MmArg.STACK_GUARD_GAP_PAGES] = guardPages;
  words[MmArg.MAX_MAP_COUNT] = number("maxMapCount", 65530);
  words[MmArg.START_BRK] = number("startBrk", down((taskSize / 3) * 2));
  words[MmArg.OVERCOMMIT] = codeOf(OVERCOMMIT, options.overcommit ?? "heuristic", "overcommit");
  words[MmArg.THP] = codeOf(THP, options.thp ?? "madvise", "thp");
  words[MmArg.RLIMIT_AS] = limitWord(rlimits, "as", UNLIMITED);
  words[MmArg.RLIMIT_DATA] = limitWord(rlimits, "data", UNLIMITED);
  words[MmArg.RLIMIT_MEMLOCK] = limitWord(rlimits, "memlock", DEFAULT_MEMLOCK);
  words[MmArg.RLIMIT_STACK] = stack;
  words[MmArg.CAP_IPC_LOCK] = options.capIpcLock ? 1 : 0;
  words[MmArg.CAP_SYS_RAWIO] = options.capSysRawio ? 1 : 0;
  words[MmArg.TOTALRAM_PAGES] = Math.floor(number("totalRam", 64 * GIB) / pageSize);
  return words;
}

/** mmap_base's distance from the end: stack limit and guard gap, at least 128 MiB, at most 5/6 (R-PLACE-9). */
function stackRoom(taskSize: number, stackLimit: number, guard: number): number {
  const wanted = (stackLimit < 0 ? taskSize : stackLimit) + guard;
  return Math.min(Math.max(wanted, STACK_ROOM_MIN), Math.floor((taskSize / 6) * 5));
}

/** A limit as the core takes it: -1 is unlimited. */
export function limitWord<Absent>(
  limits: Rlimits,
  name: keyof Rlimits,
  absent: Absent,
): number | Absent {
  const bytes = limits[name];
  if (bytes === undefined) return absent;
  return bytes === Number.POSITIVE_INFINITY ? UNLIMITED : checkedNumber(bytes, `rlimits.${name}`);
}

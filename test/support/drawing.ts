// Maps as drawings: one letter a page, `.` unmapped, like letters = one VMA.
//
//   R r--   W rw-   N ---   X r-x   A rwx   B -w-   E --x   C -wx   private anonymous
//   F a file, private rw    H the same file, shared rw   (page n of the drawing is page n of it)
//   G grows down (rw)   L locked   K sealed   D not copied by fork   Z wiped by fork   (rw)
//   lower case: the VMA has an identity (anon_vma), so somebody wrote to it
//   |  between two VMAs that would look like one
//
// A drawing is both how a space is made (`sketch`) and what it must be afterwards
// (`Sketch.expect`, which also validates the space).

import { expect } from "vitest";
import {
  type Engine,
  type EngineOptions,
  type FaultAccess,
  type FileRef,
  hasFlags,
  Madvise,
  MapFlags,
  MmError,
  type MmOptions,
  type MmWithUser,
  type VmaSnapshot,
  VmFlags,
} from "../../src/index.js";
import { assertSound } from "../../src/testing.js";
import { BASE, freshEngine, PRIVATE_ANON, RW } from "./engine.js";

/** Pages of the window that is drawn. */
const WINDOW = 2048;

const PROT_LETTERS = "NRBWEXCA"; // index: prot bits
const FIXED = MapFlags.FIXED;

/** What marks a VMA before its protection does; the first that fits. */
const MARKS: readonly (readonly [letter: string, flag: number])[] = [
  ["K", VmFlags.SEALED],
  ["L", VmFlags.LOCKED],
  ["G", VmFlags.GROWSDOWN],
  ["D", VmFlags.DONTCOPY],
  ["Z", VmFlags.WIPEONFORK],
  ["H", VmFlags.MAYSHARE],
];

/** The letter of one VMA. */
export function letterOf(vma: VmaSnapshot): string {
  const mark = MARKS.find(([, flag]) => hasFlags(vma.flags, flag))?.[0];
  const letter = mark ?? (vma.file !== 0 ? "F" : (PROT_LETTERS[vma.flags % 8] as string));
  return vma.anonVma === 0 ? letter : letter.toLowerCase();
}

/** The drawing of what `mm` has in the window at `base`. */
export function drawingOf(mm: MmWithUser, base = BASE): string {
  const page = mm.stat().pageSize;
  let text = "";
  let at = base;
  for (const vma of mm.vmas()) {
    if (vma.end <= base || vma.start >= base + WINDOW * page) continue;
    text += ".".repeat(Math.max(0, (vma.start - at) / page));
    const letter = letterOf(vma);
    if (text.endsWith(letter)) text += "|";
    text += letter.repeat((vma.end - Math.max(vma.start, base)) / page);
    at = vma.end;
  }
  return text;
}

/** What a call answered: `ok`, or the code of its errno. */
export function outcome(call: () => unknown): string {
  try {
    call();
    return "ok";
  } catch (error) {
    if (error instanceof MmError) return error.code;
    throw error;
  }
}

export interface SketchOptions extends MmOptions {
  /** An engine to share; default: a fresh one. */
  readonly engine?: Engine;
  readonly engineOptions?: EngineOptions;
}

/** A space made from a drawing, with its page arithmetic. */
export class Sketch {
  readonly engine: Engine;
  readonly mm: MmWithUser;
  readonly page: number;
  #file: FileRef | null = null;

  constructor(engine: Engine, mm: MmWithUser) {
    this.engine = engine;
    this.mm = mm;
    this.page = mm.stat().pageSize;
  }

  /** Address of a page of the drawing. */
  at(page: number): number {
    return BASE + page * this.page;
  }

  /** Bytes of so many pages. */
  bytes(pages: number): number {
    return pages * this.page;
  }

  /** The file behind F and H: of unknown size, one identity a sketch. */
  get file(): FileRef {
    this.#file ??= this.engine.openFile({ name: "/file" });
    return this.#file;
  }

  /** mmap at a page of the drawing with FIXED and the given prot and further flags. */
  mmap(page: number, pages: number, prot: number, flags = 0): number {
    const place = { address: this.at(page), length: this.bytes(pages) };
    return this.mm.mmap({ ...place, prot, flags: PRIVATE_ANON | FIXED | flags });
  }

  /** Maps `pages` pages as `letter` says; lower case: and writes to the first. */
  map(page: number, pages: number, letter: string): void {
    const kind = letter.toUpperCase();
    const prot = PROT_LETTERS.indexOf(kind);
    const [at, length] = [this.at(page), this.bytes(pages)];
    if (kind === "F" || kind === "H") {
      const flags = FIXED | (kind === "F" ? MapFlags.PRIVATE : MapFlags.SHARED);
      const offset = this.bytes(page);
      this.mm.mmap({ address: at, length, prot: RW, flags, file: this.file, offset });
    } else if (kind === "G") this.mmap(page, pages, RW, MapFlags.GROWSDOWN);
    else if (kind === "L") this.mmap(page, pages, RW, MapFlags.LOCKED);
    else this.mmap(page, pages, prot < 0 ? RW : prot);
    if (kind === "D") this.mm.madvise(at, length, Madvise.DONTFORK);
    if (kind === "Z") this.mm.madvise(at, length, Madvise.WIPEONFORK);
    if (letter !== kind) this.touch(page);
    if (kind === "K") this.mm.mseal(at, length);
  }

  /** A fault on the first byte of a page: what came of it. */
  touch(page: number, access: FaultAccess = "write"): string {
    return this.mm.handleMmFault(this.at(page), access).outcome;
  }

  munmap(page: number, pages = 1): void {
    this.mm.munmap(this.at(page), this.bytes(pages));
  }

  mprotect(page: number, pages: number, prot: number): void {
    this.mm.mprotect(this.at(page), this.bytes(pages), prot);
  }

  madvise(page: number, pages: number, advice: number): void {
    this.mm.madvise(this.at(page), this.bytes(pages), advice);
  }

  /** mremap with MAYMOVE and FIXED. */
  move(from: number, pages: number, to: number, newPages = pages, flags = 0): number {
    return this.mm.mremap({
      address: this.at(from),
      oldLength: this.bytes(pages),
      newLength: this.bytes(newPages),
      flags: 3 | flags,
      newAddress: this.at(to),
    });
  }

  /** mremap without a place: MAYMOVE only if `flags` says so. */
  resize(from: number, pages: number, newPages: number, flags = 0): number {
    return this.mm.mremap({
      address: this.at(from),
      oldLength: this.bytes(pages),
      newLength: this.bytes(newPages),
      flags,
    });
  }

  /** The map is the drawing, and the space sound. */
  expect(drawing: string, mm: MmWithUser = this.mm): void {
    expect(drawingOf(mm)).toBe(drawing);
    assertSound(mm.validate());
  }

  /** A call fails with this code and changes nothing at all. */
  refuses(code: string, call: () => unknown): void {
    const before = stateOf(this.mm);
    expect(outcome(call)).toBe(code);
    expect(stateOf(this.mm)).toEqual(before);
    assertSound(this.mm.validate());
  }

  /** The VMA at a page, as plain data. */
  vma(page: number): VmaSnapshot {
    const found = this.mm.vmas().find((v) => v.start <= this.at(page) && this.at(page) < v.end);
    if (found === undefined) throw new Error(`nothing is mapped at page ${page}`);
    return found;
  }
}

/** Everything a call may change: VMAs with all their fields, and the counters. */
export function stateOf(mm: MmWithUser): object {
  return { vmas: mm.vmas(), stat: { ...mm.stat(), sequence: 0 } };
}

/** A new space as the drawing says. Its process may lock memory without limit. */
export async function sketch(drawing: string, options: SketchOptions = {}): Promise<Sketch> {
  const { engine, engineOptions, ...rest } = options;
  const home = engine ?? (await freshEngine(engineOptions));
  const made = new Sketch(home, home.createMm({ capIpcLock: true, ...rest }));
  for (const run of drawing.matchAll(/([A-Za-z])\1*/g)) {
    made.map(run.index, run[0].length, run[1] as string);
  }
  return made;
}

/** The same flags in words, for tests of single bits. */
export function has(vma: VmaSnapshot, ...names: (keyof typeof VmFlags)[]): boolean {
  return names.every((name) => hasFlags(vma.flags, VmFlags[name]));
}

/** prot bits of a letter. */
export function protOf(letter: string): number {
  const prot = PROT_LETTERS.indexOf(letter);
  if (prot < 0) throw new Error(`no protection is called ${letter}`);
  return prot;
}

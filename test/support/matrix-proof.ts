// Which golden case or recording shows an answer of the support matrix.
//
// A step counts for a row if it is the same call with just the same word (FIXED and the
// map type aside) on the same kind of mapping, and got the same answer.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { MmError } from "../../src/errors.js";
import { Madvise, MapFlags, MremapFlags } from "../../src/flags.js";
import { KINDS, lineOf, Mode, ROWS, type Row } from "./matrix.js";

const GOLDEN = new URL("../../fixtures/golden-cases.json.gz", import.meta.url);
const RECORDINGS = new URL("../../../shared/oracle/recordings/", import.meta.url);
const PLACE = MapFlags.FIXED | MapFlags.FIXED_NOREPLACE;
const PROT_LETTERS: Readonly<Record<string, number>> = { r: 1, w: 2, x: 4 };

/** One call as it was recorded, whatever the format. */
interface Call {
  readonly call: string;
  readonly word: number;
  readonly type: number;
  readonly prot: number;
  /** Index into KINDS; null if the call does not say. */
  readonly kind: number | null;
  readonly larger: boolean;
  readonly duplicates: boolean;
  /** 0, or an errno. */
  readonly answer: number;
}

function matches(row: Row, kind: number, answer: number, seen: Call): boolean {
  if (seen.call !== row.call || seen.answer !== answer) return false;
  if (row.vmaNames === undefined && row.call === "PR_SET_VMA_ANON_NAME") return false;
  if (seen.kind !== null && seen.kind !== kind) return false;
  const mode = row.mode ?? Mode.PLAIN;
  if (row.call === "mremap") {
    if (seen.duplicates !== (mode === Mode.DUPLICATE)) return false;
    if (mode === Mode.GROW && !seen.larger) return false;
  }
  if (row.call !== "mmap") return seen.word === row.word;
  if (row.type !== undefined && seen.type !== row.type) return false;
  if (row.type === undefined && seen.type !== (kind % 2 === 0 ? MapFlags.PRIVATE : MapFlags.SHARED))
    return false;
  if (mode >= Mode.PROT && seen.prot !== mode - Mode.PROT) return false;
  const placed = row.word & PLACE;
  if (placed !== 0 && (seen.word & PLACE) !== placed) return false;
  return (seen.word & ~PLACE) === (row.word & ~PLACE);
}

interface Step {
  op: string;
  args: Record<string, unknown>;
  result?: unknown;
  errno?: string;
}

function wordOf(value: unknown, names: Readonly<Record<string, number>>): number {
  if (typeof value === "number") return value;
  return String(value ?? "")
    .split("|")
    .filter((name) => name !== "")
    .reduce((word, name) => word | (names[name] ?? Number(name)), 0);
}

function protOf(value: unknown): number {
  if (typeof value === "number") return value;
  return [...String(value ?? "n")].reduce((word, c) => word | (PROT_LETTERS[c] ?? 0), 0);
}

/** `EINVAL` for 22. */
export const errnoName = (errno: number) => new MmError(errno, "").code;
const ERRNOS = new Map(Array.from({ length: 134 }, (_, n) => [errnoName(n), n]));
const errnoOf = (name: string) => ERRNOS.get(name) ?? -1;
const kindOf = (type: number, anonymous: boolean) =>
  (anonymous ? 0 : 2) + (type === 1 || type === 3 ? 1 : 0);
const MAP_NAMES = { ...MapFlags, ANON: MapFlags.ANONYMOUS, MAP32BIT: MapFlags.MAP_32BIT };
const CALLS: Readonly<Record<string, string>> = {
  setVmaName: "PR_SET_VMA_ANON_NAME",
  setname: "PR_SET_VMA_ANON_NAME",
  brk0: "brk",
};

function goldenCall({ op, args, errno }: Step): Call {
  const call = CALLS[op] ?? op;
  const answer = errno === undefined ? 0 : errnoOf(errno);
  const base = { call, answer, type: 0, prot: 0, kind: null, larger: false, duplicates: false };
  if (op === "mmap") {
    const flags = wordOf(args.flags, MAP_NAMES);
    return mmapCall(base, flags, protOf(args.prot));
  }
  if (op === "mprotect") return { ...base, word: protOf(args.prot) };
  if (op === "remap_file_pages") return { ...base, word: Number(args.prot) };
  if (op === "madvise") {
    const advice = (Madvise as Record<string, number>)[String(args.advice)];
    return { ...base, word: advice ?? 999 };
  }
  const larger = Number(args.newLen) > Number(args.oldLen);
  const word = wordOf(args.flags, MremapFlags);
  return { ...base, word, larger, duplicates: args.oldLen === 0 };
}

function mmapCall(base: Omit<Call, "word">, flags: number, prot: number): Call {
  const type = flags & 15;
  const kind = kindOf(type, (flags & MapFlags.ANONYMOUS) !== 0);
  return { ...base, word: flags & ~(15 | MapFlags.ANONYMOUS), type, prot, kind };
}

interface Proof {
  readonly name: string;
  readonly calls: readonly Call[];
}

function goldenProofs(): Proof[] {
  const { cases } = JSON.parse(gunzipSync(readFileSync(GOLDEN)).toString()) as {
    cases: { name: string; steps: Step[] }[];
  };
  // The last step is what a case is about; the others lead to it.
  return cases.map(({ name, steps }) => ({ name, calls: steps.map(goldenCall).reverse() }));
}

/** True for a case that is about replacing what is there. */
const replaces = (row: Row, name: string) =>
  row.mode !== Mode.TAKEN || row.word !== MapFlags.FIXED || name.startsWith("fixed-overwrite");

/** The golden case that shows `answer` for `row` on `kind`, or null. */
export function goldenFinder(): (row: Row, kind: number, answer: number) => string | null {
  const proofs = goldenProofs();
  return (row, kind, answer) => {
    for (const onlyLast of [true, false]) {
      const found = proofs.find(
        ({ name, calls }) =>
          replaces(row, name) &&
          (onlyLast ? calls.slice(0, 1) : calls).some((call) => matches(row, kind, answer, call)),
      );
      if (found !== undefined) return found.name;
    }
    return null;
  };
}

/** True if the large recordings are here. */
export const hasRecordings = existsSync(RECORDINGS);

type Line = Record<string, string | number | undefined>;

function recordedCall(line: Line): Call {
  const op = String(line.op);
  const answer = typeof line.r === "string" && /^E[A-Z]+$/.test(line.r) ? errnoOf(line.r) : 0;
  const call = CALLS[op] ?? op;
  const base = { call, answer, type: 0, prot: 0, kind: null, larger: false, duplicates: false };
  if (op === "mmap") return mmapCall(base, Number(line.f), Number(line.p));
  const larger = Number(line.nl) > Number(line.l);
  const word = Number(line.adv ?? (op === "mprotect" ? line.p : line.f) ?? 0);
  return { ...base, word, larger, duplicates: line.l === 0 };
}

/** By {@link proofKey}: the profiles whose recordings show it, apart by spaces. Reads every recording: seconds. */
export function recordedProfiles(
  needed: readonly (readonly [row: Row, kind: number, answer: number])[],
): Record<string, string> {
  const found: Record<string, Set<string>> = {};
  for (const file of readdirSync(RECORDINGS).sort()) {
    const profile = file.split("-")[0] as string;
    const different = new Map<string, Call>();
    const lines = gunzipSync(readFileSync(new URL(file, RECORDINGS)))
      .toString()
      .split("\n");
    for (const text of lines) {
      if (!text.includes('"op"')) continue;
      const call = recordedCall(JSON.parse(text) as Line);
      different.set(JSON.stringify(call), call);
    }
    for (const [row, kind, answer] of needed) {
      const key = proofKey(row, kind, answer);
      if (row.mode === Mode.TAKEN && answer === 0) continue;
      for (const call of different.values()) {
        if (!matches(row, kind, answer, call)) continue;
        found[key] ??= new Set();
        found[key].add(profile);
        break;
      }
    }
  }
  return Object.fromEntries(
    Object.entries(found)
      .sort()
      .map(([key, profiles]) => [key, [...profiles].join(" ")]),
  );
}

/** Only mmap's own arguments say which kind of mapping it is about. */
export function proofKey(row: Row, kind: number, answer: number): string {
  return `${lineOf(row)}${row.call === "mmap" ? ` ${KINDS[kind]}` : ""}: ${answer}`;
}

/** Every row has a line of its own, but for the one that differs by the kernel's configuration. */
export function duplicateLines(): string[] {
  const lines = ROWS.filter((row) => row.vmaNames === undefined).map(lineOf);
  return lines.filter((line, i) => lines.indexOf(line) !== i);
}

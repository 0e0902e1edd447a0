// The sequential model of a few pages, and the calls of a recorded history.
//
// State: one character a page (unmapped, or its protection) and the VMAs that workers have
// read-locked. All mappings are private, anonymous, NORESERVE and never touched, so that
// neighbours with one protection are always one VMA: the pages say it all.

import type { Model, Timed } from "./check";

/** What was called. Numbers, since workers write them into shared memory. */
export const enum Kind {
  /** mmap(MAP_FIXED). */
  MAP = 1,
  /** mmap(MAP_FIXED_NOREPLACE). */
  MAP_NOREPLACE = 2,
  UNMAP = 3,
  PROTECT = 4,
  /** munmap of [page, page + n), then mmap of [to, to + n), both under one write guard. */
  MOVE = 5,
  /** vmaLookup under the mmap read lock. */
  LOOKUP = 6,
  PEEK = 7,
  /** lockVmaUnderRcu; UNLOCK ends it. */
  LOCK = 8,
  UNLOCK = 9,
}

const NAMES = ["", "map", "map-noreplace", "unmap", "protect", "move", "lookup", "peek"];
NAMES.push("lock", "unlock");

export interface Call extends Timed {
  readonly kind: Kind;
  readonly page: number;
  readonly n: number;
  /** Prot bits; of MOVE and MAP. */
  readonly prot: number;
  /** First page of MOVE's new mapping. */
  readonly to: number;
  /** Of changes: 0 or -errno. Of looks: 1 found, 0 nothing. */
  readonly result: number;
  /** The VMA found, in pages, and its protection. */
  readonly start: number;
  readonly end: number;
  readonly found: number;
}

export interface Pages {
  readonly pages: string;
  readonly held: readonly Held[];
}

interface Held {
  readonly worker: number;
  readonly start: number;
  readonly end: number;
}

export const UNMAPPED = ".";
const EEXIST = -17;
const ENOMEM = -12;
const WRITERS: readonly Kind[] = [
  Kind.MAP,
  Kind.MAP_NOREPLACE,
  Kind.UNMAP,
  Kind.PROTECT,
  Kind.MOVE,
];

export function isWriter(call: Call): boolean {
  return WRITERS.includes(call.kind);
}

/** A space in which nothing is mapped. */
export function pagesModel(count: number): Model<Pages, Call> {
  return {
    initial: { pages: UNMAPPED.repeat(count), held: [] },
    apply,
    key: ({ pages, held }) =>
      pages +
      held
        .map((h) => ` ${h.worker}:${h.start}-${h.end}`)
        .sort()
        .join(""),
  };
}

/**
 * A history as the model needs it. lockVmaUnderRcu may answer null on any doubt; the doubt
 * must have a reason, which is a change of the space under way at the same time. A null with
 * such a reason says nothing and is left out; one without must mean that nothing is mapped.
 */
export function withoutDoubts(history: readonly Call[]): Call[] {
  const writers = history.filter(isWriter);
  const excused = (call: Call) =>
    call.kind === Kind.LOCK &&
    call.result === 0 &&
    writers.some((w) => w.invoked < call.returned && call.invoked < w.returned);
  return history.filter((call) => !excused(call));
}

function apply(state: Pages, call: Call): Pages | null {
  switch (call.kind) {
    case Kind.MAP:
      return call.result === 0 ? change(state, call, fill(state.pages, call, call.page)) : null;
    case Kind.MAP_NOREPLACE:
      if ([...range(state.pages, call.page, call.n)].some((page) => page !== UNMAPPED)) {
        return call.result === EEXIST ? state : null;
      }
      return call.result === 0 ? change(state, call, fill(state.pages, call, call.page)) : null;
    case Kind.UNMAP:
      return call.result === 0 ? change(state, call, empty(state.pages, call)) : null;
    case Kind.MOVE:
      return call.result === 0
        ? change(state, call, fill(empty(state.pages, call), call, call.to))
        : null;
    case Kind.PROTECT:
      return protect(state, call);
    case Kind.UNLOCK:
      return { ...state, held: state.held.filter(({ worker }) => worker !== call.worker) };
    default:
      return look(state, call);
  }
}

/** Pages before the first that is not mapped keep the change. */
function protect(state: Pages, call: Call): Pages | null {
  const { page, n } = call;
  const mapped = range(state.pages, page, n).indexOf(UNMAPPED);
  if (call.result !== (mapped < 0 ? 0 : ENOMEM)) return null;
  const done = mapped < 0 ? n : mapped;
  const pages = put(state.pages, page, String(call.prot).repeat(done));
  return keepsHeld(state, pages) ? { ...state, pages } : null;
}

function look(state: Pages, call: Call): Pages | null {
  const vma = vmaAt(state.pages, call.page);
  if (call.result === 0) return vma === null ? state : null;
  if (vma === null || vma.start !== call.start || vma.end !== call.end) return null;
  if (state.pages[call.page] !== String(call.found)) return null;
  if (call.kind !== Kind.LOCK) return state;
  return { ...state, held: [...state.held, { worker: call.worker, ...vma }] };
}

/** `pages` after a call that takes VMAs away: none that is read-locked. */
function change(state: Pages, call: Call, pages: string): Pages | null {
  const touched = ({ start, end }: Held) => start < call.page + call.n && call.page < end;
  const replaced = ({ start, end }: Held) => start < call.to + call.n && call.to < end;
  for (const held of state.held) {
    if (touched(held) || (call.kind === Kind.MOVE && replaced(held))) return null;
  }
  return keepsHeld(state, pages) ? { ...state, pages } : null;
}

/** Every read-locked VMA is in `pages` what it is now. */
function keepsHeld({ held, pages: before }: Pages, pages: string): boolean {
  return held.every(({ start, end }) => {
    const vma = vmaAt(pages, start);
    return vma?.start === start && vma.end === end && pages[start] === before[start];
  });
}

/** The pages around `page` that have its protection; null: it is unmapped. */
function vmaAt(pages: string, page: number): { start: number; end: number } | null {
  const kind = pages[page];
  if (kind === UNMAPPED || kind === undefined) return null;
  let start = page;
  let end = page + 1;
  while (pages[start - 1] === kind) start--;
  while (pages[end] === kind) end++;
  return { start, end };
}

function range(pages: string, first: number, n: number): string {
  return pages.slice(first, first + n);
}

function put(pages: string, first: number, text: string): string {
  return pages.slice(0, first) + text + pages.slice(first + text.length);
}

function fill(pages: string, { prot, n }: Call, first: number): string {
  return put(pages, first, String(prot).repeat(n));
}

function empty(pages: string, { page, n }: Call): string {
  return put(pages, page, UNMAPPED.repeat(n));
}

/** One line: who, when, what, and the answer. */
export function describeCall(call: Call): string {
  const { kind, page, n, prot, to, result, start, end, found } = call;
  const when = `${call.invoked}-${call.returned}`.padEnd(11);
  const target = kind === Kind.MOVE ? ` to ${to}` : "";
  const change = isWriter(call) ? `+${n}${target} prot ${prot} = ${result}` : "";
  const seen = result === 0 ? " = null" : ` = [${start}, ${end}) prot ${found}`;
  const answer = isWriter(call) ? change : kind === Kind.UNLOCK ? "" : seen;
  return `worker ${call.worker}  ${when} ${NAMES[kind]} ${page}${answer}`;
}

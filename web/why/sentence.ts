// One sentence about a step: which rule split or merged, or which check refused.

import type { Explanation, Refusal } from "../../src/why.js";
import type { Call } from "../app/call.js";
import { type Rows, rowAt } from "../app/rows.js";
import type { Moment } from "../app/store.js";
import { baseName } from "../command/names.js";
import { lengthWord } from "../command/values.js";
import { VERBS } from "../command/verbs.js";
import { becameText, type Piece, type Step, stepOf } from "./borders.js";
import { faultText } from "./fault.js";
import { spellReason } from "./words.js";

export interface Sentence {
  readonly text: string;
  /** The manual page that tells of it, such as `mprotect(2)`; null without one. */
  readonly page: string | null;
}

/** Who answers questions about the moment at the cursor: the machine. */
export interface Oracle {
  whyRefused(call: Call, code: string): Refusal | null;
  whyApart(address: number): Explanation | null;
}

const AGREE = "flags, file, offset, anon_vma and name agree";

export function pageOf({ op }: Call): string | null {
  return VERBS.find((verb) => verb.op === op)?.manual ?? null;
}

export function sentenceOf(moment: Moment, oracle: Oracle): Sentence {
  const { entry } = moment;
  if (entry === null) {
    return { text: "The start of the log: nothing has been called yet.", page: null };
  }
  const { call, outcome } = entry;
  const page = pageOf(call);
  if (call.op === "fault") return { text: faultText(moment), page };
  if (typeof outcome === "string") {
    const refusal = oracle.whyRefused(call, outcome);
    if (refusal === null) return { text: `${outcome}: ${call.op} was refused.`, page };
    const stays = moment.changes.fresh.length > 0 ? " What came before it stays done." : "";
    return { text: `${outcome}: ${refusal.text}.${stays}`, page: refusal.manual };
  }
  if (call.op === "brk" && Number(call.args[0]) > Number(outcome)) {
    return {
      text: `The break stays at 0x${outcome.toString(16)}: ${brkText(moment, call)}.`,
      page,
    };
  }
  return { text: doneText(moment, call, oracle), page };
}

function doneText(moment: Moment, call: Call, oracle: Oracle): string {
  const step = stepOf(moment);
  if (step.gone.length === 0 && step.fresh.length === 0) return unchangedText(call, moment);
  switch (call.op) {
    case "mmap":
      return mappedText(moment, step, oracle);
    case "munmap":
      return unmappedText(step);
    case "mremap":
      return movedText(moment, step);
    case "brk":
      return brkDoneText(step);
    case "fork":
      return "The child has a copy of every VMA that is not marked dontfork; locks and guards on forking stay behind.";
    default:
      return changedText(call, step, moment.after, oracle);
  }
}

const NOTHING: Readonly<Partial<Record<Call["op"], string>>> = {
  munmap: "Nothing was mapped there: munmap of a hole succeeds.",
  mprotect: "The range had this protection already: nothing is done, and no merge is tried.",
  madvise: "This advice is about pages: no VMA changes.",
  brk: "The break is as it was, or stays in its page: no VMA changes.",
  msync: "msync writes back and changes no VMA.",
  mincore: "mincore looks and changes no VMA.",
  mremap: "The size is as before: mremap returns the old address.",
  fork: "The parent goes on: its map is as before.",
  rlimit: "The limit holds from now on; what is mapped stays.",
  mlockall: "What is mapped from now on is locked.",
};

function unchangedText({ op }: Call, { entry }: Moment): string {
  const known = NOTHING[op];
  if (op === "mlockall" && (Number(entry?.call.args[0]) & 1) !== 0)
    return "Everything was locked already.";
  return known ?? "The flags were so already: nothing is done, and no merge is tried.";
}

/** mmap: a VMA of its own, or part of its neighbours. */
function mappedText({ entry, after }: Moment, step: Step, oracle: Oracle): string {
  const start = Number(entry?.outcome);
  const made = step.fresh.find((piece) => piece.start <= start && start < piece.end);
  if (made === undefined) return "The mapping replaced its like.";
  const replaced = step.gone.some(
    (piece) =>
      piece.start < made.end && made.start < piece.end && overlaps(piece, entry?.call, start),
  );
  const over = replaced ? "MAP_FIXED unmapped what was there; " : "";
  const [left, right] = [made.start < start, made.end > endOf(entry?.call, start)];
  if (left || right) {
    const side = left && right ? "both neighbours" : left ? "the VMA below" : "the VMA above";
    return sentence(`${over}the new range became part of ${side}: ${AGREE} across the border`);
  }
  const apart = apartText(after, made, oracle);
  if (apart === null) return sentence(`${over}a new VMA of ${size(made)}: no neighbour touches it`);
  return sentence(`${over}a new VMA of ${size(made)}: ${apart}`);
}

function overlaps(piece: Piece, call: Call | undefined, start: number): boolean {
  return piece.start < endOf(call, start) && start < piece.end;
}

/** Bytes: where the range of an mmap at `start` ends. */
function endOf(call: Call | undefined, start: number): number {
  return start + Math.ceil(Number(call?.args[1] ?? 0) / PAGE_BYTES) * PAGE_BYTES;
}

const PAGE_BYTES = 4096;

/** Why a VMA did not merge with what touches it; null: nothing does. */
function apartText(after: Rows, { start, end }: Piece, oracle: Oracle): string | null {
  const row = rowAt(after, start);
  if (row > 0 && after.end[row - 1] === start) {
    const reason = oracle.whyApart(after.start[row - 1] as number)?.reasons[0];
    if (reason !== undefined)
      return `it does not merge with the VMA below: ${spellReason(reason.text)}`;
  }
  if (row + 1 < after.count && after.start[row + 1] === end) {
    const reason = oracle.whyApart(start)?.reasons[0];
    if (reason !== undefined)
      return `it does not merge with the VMA above: ${spellReason(reason.text)}`;
  }
  return null;
}

function unmappedText({ gone, fresh }: Step): string {
  const cuts = fresh.length;
  if (cuts === 0)
    return gone.length === 1 ? "The VMA is gone whole." : `${gone.length} VMAs are gone whole.`;
  const [first, second] = fresh;
  const isHole = gone.length === 1 && second !== undefined;
  if (isHole)
    return "A hole in the middle: one VMA became two, with the same flags and its file offset carried on.";
  const whole = gone.length - cuts;
  const more = whole > 0 ? `, and ${whole === 1 ? "one is" : `${whole} are`} gone whole` : "";
  const side =
    first !== undefined && gone.some(({ start }) => start === first.start) ? "end" : "start";
  return cuts === 1
    ? `The VMA lost its ${side}: a cut, no split${more}.`
    : `Two VMAs were cut at the ends of the range${more}.`;
}

function movedText({ entry }: Moment, { gone, fresh, merges }: Step): string {
  const from = Number(entry?.call.args[0]);
  const to = Number(entry?.outcome);
  const merged = merges.length > 0 ? " and became part of a neighbour" : "";
  if (from !== to) {
    const kept = gone.length === 0 ? ", and the old range stays" : "";
    return `Moved to 0x${to.toString(16)}: the flags and the page offset go along${kept}${merged}.`;
  }
  const grew = Number(entry?.call.args[2]) > Number(entry?.call.args[1]);
  if (!grew)
    return fresh.length === 0 ? "The tail is unmapped." : "Shrunk in place: the tail is unmapped.";
  return `Grown in place: the pages behind it were free${merged}.`;
}

function brkDoneText({ gone, fresh, growths }: Step): string {
  if (growths.length > 0)
    return "The heap grew: the new range merged with the VMA below, which it touches.";
  if (gone.length === 0) return "The heap begins: a private writable VMA named [heap].";
  const bytes = (list: readonly Piece[]) =>
    list.reduce((sum, { start, end }) => sum + end - start, 0);
  return bytes(fresh) > bytes(gone)
    ? "The heap grew by a VMA of its own: it does not agree with the one below."
    : "The heap shrank: its end is unmapped.";
}

/** A change of flags, or of a name. */
function changedText(call: Call, step: Step, after: Rows, oracle: Oracle): string {
  const { gone, fresh, splits, merges } = step;
  const [first] = gone;
  const [old, changed] = changedPair(step);
  const became =
    changed === undefined || old === undefined ? "" : becameText(old.flags, changed.flags);
  const what = call.op === "prctl" ? "its name" : became === "" ? "its flags" : became;
  if (splits.length > 0 && merges.length > 0) {
    return `The border moved: part of a VMA became ${what} and joined the neighbour that was so already (${AGREE}).`;
  }
  if (splits.length > 0) {
    const where = nameOf(first);
    const apart = changed === undefined ? null : apartText(after, changed, oracle);
    const parts = splits.length + 1;
    const why =
      apart === null
        ? "a VMA has one set of flags"
        : apart.replace(/^it does/, "the changed part does");
    return `${where} was split in ${count(parts)}: one part became ${what}, and ${why}.`;
  }
  if (merges.length > 0) {
    const parts = merges.length + 1;
    return `${count(parts, true)} VMAs became one: ${AGREE} across ${merges.length === 1 ? "the border" : "all borders"} again.`;
  }
  const many = fresh.length === 1 ? "The whole VMA" : `${fresh.length} VMAs`;
  const apart =
    changed === undefined || fresh.length > 1 ? null : apartText(after, changed, oracle);
  return sentence(`${many} became ${what}, without a split${apart === null ? "" : `; ${apart}`}`);
}

/** A piece that is not what the range was before, with what it was. */
function changedPair({ gone, fresh }: Step): readonly [Piece?, Piece?] {
  for (const piece of fresh) {
    const old = gone.find(
      (other) =>
        other.start < piece.end &&
        piece.start < other.end &&
        (other.flags !== piece.flags || other.name !== piece.name),
    );
    if (old !== undefined) return [old, piece];
  }
  return [];
}

function brkText({ before, entry }: Moment, call: Call): string {
  const wanted = Number(call.args[0]);
  const old = Number(entry?.outcome);
  const row = rowAt(before, old - 1);
  const next = row + 1;
  if (row >= 0 && next < before.count && (before.start[next] as number) < wanted + PAGE_BYTES) {
    const what = before.nameOf(next) === "" ? "an anonymous VMA" : before.nameOf(next);
    return `${what} at 0x${before.start[next]?.toString(16)} is in the way (one page must stay free)`;
  }
  return "RLIMIT_DATA, or the number of VMAs, or memory forbids more; brk tells no errno";
}

function nameOf(piece: Piece | undefined): string {
  if (piece === undefined) return "The VMA";
  return piece.name === "" ? `The VMA of ${size(piece)}` : baseName(piece.name);
}

function size({ start, end }: Piece): string {
  return lengthWord(end - start);
}

const COUNTS = ["no", "one", "two", "three", "four", "five", "six"];

function count(n: number, isFirst = false): string {
  const word = COUNTS[n] ?? `${n}`;
  return isFirst ? sentenceCase(word) : word;
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return `${sentenceCase(text)}.`;
}

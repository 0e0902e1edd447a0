// What may stand where the cursor is: calls, flags, protections, addresses by name.

import { baseName } from "./names.js";
import { RESOURCES, SIDES } from "./read.js";
import { CommandError, type Token, tokensOf } from "./tokens.js";
import { type CommandContext, isProt, NO_CONTEXT } from "./values.js";
import { type Slot, type SlotKind, VERB_OF_WORD, VERBS, type Verb } from "./verbs.js";
import { ACCESS, ADVICE } from "./words.js";

export interface Suggestion {
  /** What it puts into the line. */
  readonly text: string;
  /** What it says beside that. */
  readonly detail: string;
}

export interface Completion {
  /** Columns of the line that a suggestion replaces; `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly suggestions: readonly Suggestion[];
}

/** So many are shown at once. */
const MOST = 12;
const LENGTHS = ["4K", "64K", "2M", "1G"];
const PROTS: readonly Suggestion[] = [
  { text: "rw", detail: "PROT_READ|PROT_WRITE" },
  { text: "r", detail: "PROT_READ" },
  { text: "rx", detail: "PROT_READ|PROT_EXEC" },
  { text: "none", detail: "PROT_NONE" },
];

/** @param cursor a column, 0 to line.length */
export function completionsAt(
  line: string,
  cursor: number,
  context: CommandContext = NO_CONTEXT,
): Completion {
  let tokens: Token[];
  try {
    tokens = tokensOf(line.slice(0, cursor));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { from: cursor, to: cursor, suggestions: [] }; // inside a quote
  }
  const last = tokens.at(-1);
  const isInWord = last !== undefined && last.to === cursor && !last.isQuoted;
  const word = isInWord ? last : { text: "", from: cursor, to: cursor, isQuoted: false };
  const before = isInWord ? tokens.slice(0, -1) : tokens;
  const rest = /^[^\s"]*/.exec(line.slice(cursor))?.[0] ?? "";
  const range = { from: word.from, to: word.to + (isInWord ? rest.length : 0) };
  return { ...range, suggestions: suggestions(before, word.text.toLowerCase(), context) };
}

function suggestions(
  before: readonly Token[],
  word: string,
  context: CommandContext,
): readonly Suggestion[] {
  const [first] = before;
  if (first === undefined) {
    const verbs = VERBS.map((verb) => ({ text: verb.word, detail: verb.meaning }));
    return verbs.filter(({ text }) => text.startsWith(word));
  }
  const verb = VERB_OF_WORD.get(first.text.toLowerCase());
  if (verb === undefined) return [];
  const place = placeAfter(verb, before.slice(1));
  const found: Suggestion[] = [];
  if (place.slot !== undefined) found.push(...slotSuggestions(place.slot.kind, word, context));
  if (!place.isValue) {
    const said = new Set(before.map(({ text }) => text.toLowerCase()));
    for (const { word: text, meaning } of verb.keywords) found.push({ text, detail: meaning });
    for (const [text, , detail] of verb.flags) found.push({ text, detail });
    return found.filter(({ text }) => text.startsWith(word) && !said.has(text)).slice(0, MOST);
  }
  return found.slice(0, MOST);
}

interface Place {
  /** The slot that the next word may fill. */
  readonly slot: Slot | undefined;
  /** It must fill it: no flag may stand here. */
  readonly isValue: boolean;
}

/** Where a word stands that follows `tokens`. */
function placeAfter(verb: Verb, tokens: readonly Token[]): Place {
  let filled = 0;
  for (let at = 0; at < tokens.length; at++) {
    const { text, isQuoted } = tokens[at] as Token;
    const word = isQuoted ? "" : text.toLowerCase();
    const keyword = verb.keywords.find((entry) => entry.word === word);
    if (keyword !== undefined) {
      if (at + 1 === tokens.length) return { slot: keyword.slot, isValue: true };
      at++;
    } else if (!verb.flags.some(([flag]) => flag === word) && !word.startsWith("flags=")) {
      const slot = verb.slots[filled];
      const isSkipped = slot?.isOptional === true && slot.kind === "prot" && !isProt(text);
      if (!isSkipped) filled++;
    }
  }
  const slot = verb.slots[filled];
  return { slot, isValue: slot !== undefined && slot.isOptional !== true };
}

function slotSuggestions(
  kind: SlotKind,
  word: string,
  context: CommandContext,
): readonly Suggestion[] {
  const starting = (list: readonly Suggestion[]) =>
    list.filter(({ text }) => text.startsWith(word));
  switch (kind) {
    case "address":
      return addresses(word, context);
    case "break":
      return starting([
        { text: "+64K", detail: "grow the heap" },
        { text: "-64K", detail: "shrink it" },
        { text: `0x${context.brk.toString(16)}`, detail: "the break now" },
      ]);
    case "length":
      return starting(LENGTHS.map((text) => ({ text, detail: "bytes" })));
    case "limit":
      return starting([...LENGTHS, "unlimited"].map((text) => ({ text, detail: "bytes" })));
    case "prot":
      return starting(PROTS);
    case "advice":
      return starting([...ADVICE.keys()].map((text) => ({ text, detail: adviceName(text) })));
    case "access":
      return starting(ACCESS.map((text) => ({ text, detail: "the access" })));
    case "resource":
      return starting([...RESOURCES.keys()].map((text) => ({ text, detail: limitName(text) })));
    case "path":
      return starting(paths(context));
    case "name":
      return starting([{ text: "none", detail: "take the name away" }]);
    case "side":
      return starting([...SIDES.keys()].map((text) => ({ text, detail: `go on in the ${text}` })));
    case "number":
      return [];
  }
}

function adviceName(word: string): string {
  return `MADV_${word.toUpperCase()}`;
}

function limitName(word: string): string {
  return `RLIMIT_${word.toUpperCase()}`;
}

/** By their start, or by a part of their name. */
function addresses(word: string, { mappings, last }: CommandContext): Suggestion[] {
  const found: Suggestion[] = [];
  if (last !== null && (word === "" || word === "$")) {
    found.push({ text: "$", detail: `what mmap returned: 0x${last.toString(16)}` });
  }
  const digits = word.replace(/^0x/, "");
  for (const { start, end, perms, name } of mappings) {
    if (found.length >= MOST) break;
    const text = `0x${start.toString(16)}`;
    const isNear = start.toString(16).startsWith(digits) || name.toLowerCase().includes(word);
    if (word !== "" && !isNear) continue;
    const what = name === "" ? "anonymous" : baseName(name);
    found.push({ text, detail: `${what} ${perms} ${(end - start) / 1024}K` });
  }
  return found;
}

function paths({ mappings }: CommandContext): Suggestion[] {
  const names = new Set(mappings.map(({ name }) => name).filter((name) => /^\/\S*$/.test(name)));
  return [...names].map((text) => ({ text, detail: "mapped already" }));
}

/** The line with a suggestion in it, and where the cursor goes. */
export function accept(
  line: string,
  { from, to }: Completion,
  { text }: Suggestion,
): { readonly line: string; readonly cursor: number } {
  const tail = line.slice(to);
  const space = tail.startsWith(" ") ? "" : " ";
  return { line: line.slice(0, from) + text + space + tail, cursor: from + text.length + 1 };
}

// One line -> one call. The short form of verbs.ts, or a call as strace prints it:
//
//   mmap 64K rw at 0x7f0000000000 fixed
//   mprotect [heap]+4K 1p r
//   munmap(0x7f0000000000, 65536) = 0

import { readStrace } from "../../src/formats/strace.js";
import type { Address } from "../../src/index.js";
import { MapFlags, Prot } from "../../src/index.js";
import type { Call } from "../app/call.js";
import { CommandError, type Token, tokensOf } from "./tokens.js";
import { addressIn, type CommandContext, isProt, lengthIn, NO_CONTEXT, protIn } from "./values.js";
import { type Slot, usageOf, VERB_OF_WORD, VERBS, type Verb } from "./verbs.js";
import { ACCESS, ADVICE, MAP_TYPE_MASK, MAP_TYPES } from "./words.js";

export const PR_SET_VMA = 0x53564d41;
export const RESOURCES: ReadonlyMap<string, number> = new Map([
  ["as", 9],
  ["data", 2],
  ["memlock", 8],
  ["stack", 3],
]);
/** Where the log goes on after fork. */
export const SIDES: ReadonlyMap<string, number> = new Map([
  ["child", 1],
  ["parent", 0],
]);
/** RLIM_INFINITY. */
export const UNLIMITED = 2n ** 64n - 1n;
const ANY_FD = 3;
/** In the place of a name: take the name away. */
const NO_NAME = 0;

/** What the words of a line said. */
interface Said {
  readonly verb: Verb;
  /** One a slot; undefined where an optional one was left out. */
  readonly slots: readonly (Address | string | undefined)[];
  readonly keywords: ReadonlyMap<string, Address | string>;
  /** The flag words, added up. */
  readonly flags: number;
  /** `flags=0x...`: the whole word, whatever else was said. */
  readonly exact: number | null;
  readonly words: ReadonlySet<string>;
}

/** @throws CommandError what was expected, and where */
export function readCommand(line: string, context: CommandContext = NO_CONTEXT): Call {
  if (/^\s*\w+\(/.test(line)) return readStraceLine(line);
  const tokens = tokensOf(line);
  const [first, ...rest] = tokens;
  if (first === undefined) throw new CommandError("expected a call, such as mmap 64K rw", 0, 1);
  const verb = VERB_OF_WORD.get(first.text.toLowerCase());
  if (verb === undefined) throw unknownVerb(first);
  return callOf(new Reader(verb, rest, line.trimEnd().length, context).read());
}

function unknownVerb({ text, from, to }: Token): CommandError {
  const known = VERBS.map(({ word }) => word);
  const near = known.find((word) => word.startsWith(text.toLowerCase()) || isTypo(text, word));
  const hint = near === undefined ? `one of ${known.join(", ")}` : `${near}, perhaps`;
  return new CommandError(`"${text}" is no call: expected ${hint}`, from, to);
}

/** One letter more, less, other, or two swapped. */
function isTypo(text: string, word: string): boolean {
  const typed = text.toLowerCase();
  if (Math.abs(typed.length - word.length) > 1) return false;
  let at = 0;
  while (at < typed.length && typed[at] === word[at]) at++;
  const [a, b] = [typed.slice(at), word.slice(at)];
  return (
    a.slice(1) === b.slice(1) ||
    a.slice(1) === b ||
    a === b.slice(1) ||
    (a.slice(2) === b.slice(2) && a[0] === b[1] && a[1] === b[0])
  );
}

class Reader {
  #at = 0;
  readonly #slots: (Address | string | undefined)[] = [];
  readonly #keywords = new Map<string, Address | string>();
  readonly #words = new Set<string>();
  #flags = 0;
  #exact: number | null = null;

  constructor(
    readonly verb: Verb,
    readonly tokens: readonly Token[],
    /** Where the line ends, for what is missing. */
    readonly end: number,
    readonly context: CommandContext,
  ) {}

  read(): Said {
    while (this.#at < this.tokens.length) this.#word(this.tokens[this.#at++] as Token);
    const missing = this.verb.slots.findIndex(
      ({ isOptional }, n) => n >= this.#slots.length && isOptional !== true,
    );
    if (missing >= 0) {
      const { label } = this.verb.slots[missing] as Slot;
      throw this.#wrong(`expected ${article(label)} next`, this.end + 1, this.end + 2);
    }
    const { verb } = this;
    return {
      verb,
      slots: this.#slots,
      keywords: this.#keywords,
      flags: this.#flags,
      exact: this.#exact,
      words: this.#words,
    };
  }

  #word(token: Token): void {
    const word = token.isQuoted ? "" : token.text.toLowerCase();
    const keyword = this.verb.keywords.find((entry) => entry.word === word);
    if (keyword !== undefined) {
      this.#once(word, token);
      const value = this.tokens[this.#at++];
      if (value === undefined) {
        const { label } = keyword.slot;
        const what = `expected ${article(label)} after ${word}`;
        throw this.#wrong(what, this.end + 1, this.end + 2);
      }
      this.#keywords.set(word, this.#value(keyword.slot, value));
      return;
    }
    if (this.#flag(word, token)) return;
    const slot = this.#nextSlot(token);
    if (slot === undefined) throw this.#tooMany(token);
    this.#slots.push(this.#value(slot, token));
  }

  #flag(word: string, token: Token): boolean {
    const exact = /^flags=(0x[\da-f]{1,8})$/.exec(word);
    if (exact !== null) {
      this.#exact = Number(exact[1]);
      return true;
    }
    const flag = this.verb.flags.find(([name]) => name === word);
    if (flag === undefined) return false;
    this.#once(word, token);
    this.#flags |= flag[1];
    return true;
  }

  #once(word: string, token: Token): void {
    if (this.#words.has(word)) throw this.#wrong(`${word} stands twice`, token.from, token.to);
    this.#words.add(word);
  }

  /** The slot that a word fills; mmap's PROT may be left out before other words. */
  #nextSlot(token: Token): Slot | undefined {
    const slot = this.verb.slots[this.#slots.length];
    if (slot?.isOptional && slot.kind === "prot" && !isProt(token.text)) return undefined;
    return slot;
  }

  #tooMany(token: Token): CommandError {
    const words = [
      ...this.verb.keywords.map((entry) => entry.word),
      ...this.verb.flags.map(([word]) => word),
    ].filter((word) => !this.#words.has(word));
    const slot = this.verb.slots[this.#slots.length];
    const expected = [...(slot === undefined ? [] : [slot.label]), ...words.slice(0, 8)];
    const what =
      expected.length === 0
        ? `"${token.text}" is one word too many: expected the end of the line`
        : `"${token.text}" is no word of ${this.verb.word}: expected ${expected.join(", ")}`;
    return this.#wrong(what, token.from, token.to);
  }

  #value(slot: Slot, token: Token): Address | string {
    const { context } = this;
    const word = token.text.toLowerCase();
    switch (slot.kind) {
      case "address":
        return addressIn(token, context);
      case "length":
        return lengthIn(token);
      case "prot":
        return protIn(token);
      case "path":
        return token.text;
      case "name":
        return word === "none" && !token.isQuoted ? NO_NAME : token.text;
      case "advice":
        return this.#oneOf(ADVICE, "an ADVICE", token);
      case "resource":
        return this.#oneOf(RESOURCES, "a limit", token);
      case "limit":
        return word === "unlimited" ? UNLIMITED : lengthIn(token);
      case "access": {
        const access = (ACCESS as readonly string[]).indexOf(word);
        if (access >= 0) return access;
        throw this.#wrong(`expected read, write or exec, not "${word}"`, token.from, token.to);
      }
      case "side":
        return this.#oneOf(SIDES, "child or parent", token);
      case "number":
        return lengthIn(token);
      case "break": {
        const relative = /^[+-]/.test(word) ? { ...token, text: `$${token.text}` } : token;
        return addressIn(
          relative,
          relative === token ? context : { ...context, last: context.brk },
        );
      }
    }
  }

  #oneOf(words: ReadonlyMap<string, number>, what: string, token: Token): Address {
    const known = words.get(token.text.toLowerCase());
    if (known !== undefined) return known;
    if (/^(0x[\da-f]{1,8}|\d{1,9})$/.test(token.text)) return Number(token.text);
    const list = [...words.keys()].join(", ");
    throw this.#wrong(`expected ${what}: ${list}; not "${token.text}"`, token.from, token.to);
  }

  #wrong(problem: string, from: number, to: number): CommandError {
    return new CommandError(`${problem}. Usage: ${usageOf(this.verb)}`, from, to);
  }
}

function article(label: string): string {
  return /^[AO]/.test(label) ? `an ${label}` : `a ${label}`;
}

function callOf(said: Said): Call {
  const { verb, slots, flags, exact } = said;
  const at = (n: number): Address => (slots[n] as Address | undefined) ?? 0;
  const call = (args: readonly Address[], text = ""): Call => ({ op: verb.op, args, text });
  switch (verb.op) {
    case "mmap":
      return mmapOf(said);
    case "mremap":
      return call([at(0), at(1), at(2), exact ?? flags, (said.keywords.get("to") as Address) ?? 0]);
    case "mlock2":
    case "msync":
    case "mseal":
      return call([at(0), at(1), exact ?? flags]);
    case "mlockall":
      return call([exact ?? flags]);
    case "prctl": {
      const name = slots[2] as string | typeof NO_NAME;
      const isTaken = name === NO_NAME;
      return call([PR_SET_VMA, 0, at(0), at(1), isTaken ? 0 : 1], isTaken ? "" : name);
    }
    case "remap_file_pages":
      return call([at(0), at(1), at(2), at(3), exact ?? flags]);
    case "brk":
    case "fault":
      return call(verb.slots.map((_, n) => at(n)));
    case "fork":
      return call([slots[0] === undefined ? 1 : at(0)]);
    case "mincore":
      return call([at(0), at(1), 0]);
    default:
      return call(slots.map((_, n) => at(n)));
  }
}

function mmapOf({ slots, keywords, flags, exact, words }: Said): Call {
  const file = keywords.get("file") as string | undefined;
  const hasType = MAP_TYPES.some(([word]) => words.has(word));
  const isAnonymous = file === undefined;
  const spoken =
    flags |
    (hasType || (flags & MAP_TYPE_MASK) !== 0 ? 0 : MapFlags.PRIVATE) |
    (isAnonymous ? MapFlags.ANONYMOUS : 0);
  const word = exact ?? spoken;
  const prot = slots[1] ?? Prot.READ | Prot.WRITE;
  const fd = file === undefined ? -1 : ANY_FD;
  const address = keywords.get("at") ?? 0;
  const args = [address, slots[0], prot, word, fd, keywords.get("offset") ?? 0] as Address[];
  return { op: "mmap", args, text: file ?? "" };
}

/** A call pasted from a log. */
function readStraceLine(line: string): Call {
  const hasResult = /\)\s*=\s*\S/.test(line);
  const { rows, problems, truncated } = readStrace(`${line}${hasResult ? "" : " = 0"}\n`);
  const row = rows.find((entry) => entry.kind === "call");
  const from = line.length - line.trimStart().length;
  if (row?.kind !== "call") {
    const [problem] = problems;
    const what =
      problem !== undefined || truncated !== 0
        ? `expected ${problem?.expected ?? "a whole call"}`
        : "expected a memory call, as strace prints it";
    throw new CommandError(what, from, line.trimEnd().length);
  }
  const { op, args, file } = row;
  return { op, args, text: file };
}

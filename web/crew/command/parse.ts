// The command line's language: one memory call in short form.
//
//   mmap LENGTH [PROT] [at ADDRESS] [fixed] [shared]
//   munmap ADDRESS LENGTH
//   mprotect ADDRESS LENGTH PROT
//   fault ADDRESS [read|write|exec]
//
// ADDRESS is hexadecimal, as in maps; `$` is what mmap returned last; `+LENGTH` adds.
// LENGTH is decimal bytes, 0x..., or has a suffix K, M, G, T. PROT is letters of rwx, or none.

import { type Address, type FaultAccess, Prot } from "../../../src/index.js";

export type Command =
  | {
      readonly verb: "mmap";
      readonly length: Address;
      readonly prot: number;
      readonly address: Address;
      readonly fixed: boolean;
      readonly shared: boolean;
    }
  | { readonly verb: "munmap"; readonly address: Address; readonly length: Address }
  | {
      readonly verb: "mprotect";
      readonly address: Address;
      readonly length: Address;
      readonly prot: number;
    }
  | { readonly verb: "fault"; readonly address: Address; readonly access: FaultAccess };

export type Verb = Command["verb"];

export const USAGE: Readonly<Record<Verb, string>> = {
  mmap: "mmap LENGTH [PROT] [at ADDRESS] [fixed] [shared]",
  munmap: "munmap ADDRESS LENGTH",
  mprotect: "mprotect ADDRESS LENGTH PROT",
  fault: "fault ADDRESS [read|write|exec]",
};

/** The line is no command; the message says what was expected. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** The verb at the start of a line, complete or not yet. */
export function verbOf(line: string): Verb | null {
  const word = line.trimStart().split(/\s/, 1)[0]?.toLowerCase() ?? "";
  return Object.hasOwn(USAGE, word) ? (word as Verb) : null;
}

/**
 * @param last what `$` stands for; null before the first mmap
 * @throws CommandError
 */
export function parseCommand(line: string, last: number | null): Command {
  const words = line.trim().split(/\s+/);
  const verb = verbOf(line);
  if (verb === null) {
    const known = Object.keys(USAGE).join(", ");
    throw new CommandError(`"${words[0] ?? ""}" is no call I know; there are ${known}`);
  }
  const reader = new Words(verb, words.slice(1), last);
  const command = PARSERS[verb](reader);
  reader.end();
  return command;
}

const PARSERS: Readonly<Record<Verb, (words: Words) => Command>> = {
  mmap(words) {
    const length = words.length();
    let prot: number = Prot.READ | Prot.WRITE;
    let address: Address = 0;
    let fixed = false;
    let shared = false;
    let protGiven = false;
    while (!words.done) {
      if (words.accept("at")) address = words.address();
      else if (words.accept("fixed")) fixed = true;
      else if (words.accept("shared")) shared = true;
      else if (words.accept("anon") || words.accept("private"))
        continue; // what it is anyway
      else if (protGiven) words.end();
      else {
        prot = words.prot();
        protGiven = true;
      }
    }
    return { verb: "mmap", length, prot, address, fixed, shared };
  },
  munmap: (words) => ({ verb: "munmap", address: words.address(), length: words.length() }),
  mprotect: (words) => ({
    verb: "mprotect",
    address: words.address(),
    length: words.length(),
    prot: words.prot(),
  }),
  fault: (words) => ({ verb: "fault", address: words.address(), access: words.access() }),
};

const UNITS: Readonly<Record<string, bigint>> = {
  "": 1n,
  k: 1n << 10n,
  m: 1n << 20n,
  g: 1n << 30n,
  t: 1n << 40n,
};
const LIMIT = 1n << 64n;

/** The words behind the verb, taken from the left. */
class Words {
  #at = 0;

  constructor(
    private readonly verb: Verb,
    private readonly words: readonly string[],
    private readonly last: number | null,
  ) {}

  get done(): boolean {
    return this.#at >= this.words.length;
  }

  accept(word: string): boolean {
    if (this.words[this.#at]?.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }

  address(): Address {
    const word = this.#take("an ADDRESS");
    const [base = "", ...added] = word.split("+");
    const sum = added.reduce((bytes, part) => bytes + this.#bytes(part), this.#base(base));
    return this.#fit(sum, word);
  }

  length(): Address {
    const word = this.#take("a LENGTH");
    return this.#fit(this.#bytes(word), word);
  }

  prot(): number {
    const word = this.#take("a PROT").toLowerCase();
    if (word === "none") return Prot.NONE;
    if (!/^[rwx-]+$/.test(word)) {
      this.#fail(`a PROT is letters of r, w, x, or none; not "${word}"`);
    }
    return (
      (word.includes("r") ? Prot.READ : 0) |
      (word.includes("w") ? Prot.WRITE : 0) |
      (word.includes("x") ? Prot.EXEC : 0)
    );
  }

  access(): FaultAccess {
    if (this.done) return "read";
    const word = this.#take("read, write or exec").toLowerCase();
    if (word === "read" || word === "write" || word === "exec") return word;
    return this.#fail(`an access is read, write or exec; not "${word}"`);
  }

  /** Nothing may be left. */
  end(): void {
    if (!this.done) this.#fail(`"${this.words[this.#at]}" is one word too many`);
  }

  #take(what: string): string {
    const word = this.words[this.#at];
    if (word === undefined) return this.#fail(`${what} is missing`);
    this.#at++;
    return word;
  }

  #base(word: string): bigint {
    if (word === "$") {
      if (this.last === null) this.#fail("$ stands for what mmap returned last: call mmap first");
      return BigInt(this.last ?? 0);
    }
    const digits = word.replace(/^0x/i, "");
    if (!/^[0-9a-f]+$/i.test(digits)) {
      this.#fail(`an ADDRESS is hexadecimal, or $; not "${word}"`);
    }
    return BigInt(`0x${digits}`);
  }

  #bytes(word: string): bigint {
    const match = /^(0x[0-9a-f]+|\d+?)(?:([kmgt])(?:i?b)?)?$/i.exec(word);
    if (match === null) {
      return this.#fail(`a LENGTH is bytes, such as 4096, 0x1000, 64K or 2M; not "${word}"`);
    }
    return BigInt(match[1] ?? 0) * (UNITS[match[2]?.toLowerCase() ?? ""] ?? 1n);
  }

  /** As a number where that is exact: what the library takes. */
  #fit(value: bigint, word: string): Address {
    if (value >= LIMIT) this.#fail(`"${word}" does not fit into 64 bits`);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }

  #fail(problem: string): never {
    throw new CommandError(`${problem}. Usage: ${USAGE[this.verb]}`);
  }
}

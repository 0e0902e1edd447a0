// Arbitrary calls of a log, any flag word and any 64-bit number among their arguments.

import fc from "fast-check";
import type { Call } from "../../web/app/call.js";

const address = fc.oneof(
  fc.nat({ max: 2 ** 20 }).map((page) => page * 4096),
  fc.nat({ max: 2 ** 31 - 1 }),
  fc.maxSafeNat(),
  fc.bigInt({ min: BigInt(Number.MAX_SAFE_INTEGER) + 1n, max: 2n ** 64n - 1n }),
);
const word = fc.oneof(
  fc.nat({ max: 255 }),
  fc.nat({ max: 2 ** 27 }),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);
const path = fc
  .oneof(
    fc.constantFrom("/lib/libc.so.6", "/a b", "/x => ENOMEM", "none", 'two\nlines "quoted" \\n'),
    fc.string({ minLength: 1, unit: "grapheme" }),
  )
  .filter((text) => !/\0/.test(text));

const of = (op: Call["op"], ...args: fc.Arbitrary<Call["args"][number]>[]): fc.Arbitrary<Call> =>
  fc.tuple(...args).map((values) => ({ op, args: values, text: "" }));

const mmap: fc.Arbitrary<Call> = fc
  .tuple(address, address, word, word, fc.option(path, { nil: "" }), address)
  .map(([at, length, prot, flags, text, offset]) => ({
    op: "mmap",
    args: [at, length, prot, flags, text === "" ? -1 : 3, offset],
    text,
  }));

const name: fc.Arbitrary<Call> = fc
  .tuple(address, address, fc.option(path, { nil: null }))
  .map(([at, length, text]) => ({
    op: "prctl",
    args: [0x53564d41, 0, at, length, text === null ? 0 : 1],
    text: text ?? "",
  }));

/** Calls as strace can show them. */
export const systemCall: fc.Arbitrary<Call> = fc.oneof(
  mmap,
  of("munmap", address, address),
  of("mprotect", address, address, word),
  of("pkey_mprotect", address, address, word, fc.nat(15)),
  of("mremap", address, address, address, word, address),
  of("brk", address),
  of("madvise", address, address, fc.nat({ max: 120 })),
  of("mlock", address, address),
  of("mlock2", address, address, word),
  of("munlock", address, address),
  of("mlockall", word),
  of("munlockall"),
  of("msync", address, address, word),
  of("mincore", address, address, fc.constant(0)),
  of("mseal", address, address, word),
  of("remap_file_pages", address, address, word, address, word),
);

/** Every call that the command line can say. */
export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  { arbitrary: systemCall, weight: 6 },
  name,
  of("fork", fc.nat(1)),
  of("fault", address, fc.nat(2), fc.oneof(fc.constant(0), address)),
  of("rlimit", fc.constantFrom(9, 2, 8, 3), fc.oneof(address, fc.constant(2n ** 64n - 1n))),
);

// Entries as text: what is printed as strace prints it is read as the same call.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readStrace } from "../../src/formats/strace.js";
import type { Entry, Outcome } from "../../web/app/call.js";
import { readCommand } from "../../web/command/read.js";
import { shortLine, straceLine } from "../../web/log/lines.js";
import { systemCall } from "./calls.js";

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.nat({ max: 2 ** 30 }).map((page) => page * 4096),
  fc.constantFrom("ENOMEM", "EINVAL", "EPERM", "EEXIST"),
);

describe("a line of strace", () => {
  test("is read as the call and the result that it was made of", () => {
    fc.assert(
      fc.property(systemCall, outcome, (call, result) => {
        const { rows, problems } = readStrace(`${straceLine({ call, outcome: result })}\n`);
        expect(problems).toEqual([]);
        expect(rows).toEqual([
          {
            kind: "call",
            line: 1,
            pid: 0,
            tid: 0,
            op: call.op,
            args: call.args,
            file: result === "EBADF" ? "" : call.text,
            result,
          },
        ]);
      }),
      { numRuns: 3000 },
    );
  });

  test("may be pasted into the command line", () => {
    fc.assert(
      fc.property(systemCall, (call) => {
        expect(readCommand(straceLine({ call, outcome: 0 }))).toEqual(call);
      }),
      { numRuns: 500 },
    );
  });

  const entry = (
    op: Entry["call"]["op"],
    args: number[],
    text = "",
    result: Outcome = 0,
  ): Entry => ({
    call: { op, args, text },
    outcome: result,
  });
  test.each([
    [
      entry("mmap", [0, 65536, 3, 0x22, -1, 0], "", 0x7f0000000000),
      "mmap(NULL, 65536, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000",
    ],
    [
      entry("mmap", [0, 4096, 1, 2, 3, 4096], "/lib/a b.so", "ENOMEM"),
      "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</lib/a b.so>, 0x1000) = -1 ENOMEM (Cannot allocate memory)",
    ],
    [entry("mprotect", [4096, 4096, 0]), "mprotect(0x1000, 4096, PROT_NONE) = 0"],
    [entry("brk", [0], "", 0x5000), "brk(NULL) = 0x5000"],
    [entry("madvise", [4096, 4096, 4]), "madvise(0x1000, 4096, MADV_DONTNEED) = 0"],
    [
      entry("mremap", [4096, 4096, 8192, 1, 0], "", 4096),
      "mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE) = 0x1000",
    ],
    [
      entry("fault", [4096, 1, 0], "", "SEGV_MAPERR"),
      "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x1000} ---",
    ],
    [entry("fault", [4096, 1, 0]), "fault(0x1000, write) = 0"],
    [
      entry("prctl", [0x53564d41, 0, 4096, 4096, 1], 'a"b'),
      'prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0x1000, 4096, "a\\"b") = 0',
    ],
    [
      entry("rlimit", [9, 4096]),
      "prlimit64(0, RLIMIT_AS, {rlim_cur=4096, rlim_max=RLIM64_INFINITY}, NULL) = 0",
    ],
  ])("%#: %s", (given, text) => {
    expect(straceLine(given)).toBe(text);
  });
});

test("a call that the command line does not know is shown as strace has it", () => {
  expect(shortLine({ op: "shmat", args: [5, 0, 0], text: "" })).toBe("shmat(0x5, 0x0, 0x0)");
  expect(shortLine({ op: "munmap", args: [4096, 65536], text: "" })).toBe("munmap 0x1000 64K");
});

// The command line: every call can be said and is understood, and what is not says where.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accept, completionsAt } from "../../web/command/complete.js";
import { CommandHistory } from "../../web/command/history.js";
import { readCommand } from "../../web/command/read.js";
import { shortForm } from "../../web/command/short.js";
import { CommandError } from "../../web/command/tokens.js";
import type { CommandContext } from "../../web/command/values.js";
import { VERBS } from "../../web/command/verbs.js";
import { anyCall } from "./calls.js";

const CONTEXT: CommandContext = {
  last: 0x7000,
  brk: 0x21000,
  mappings: [
    { start: 0x20000, end: 0x21000, perms: "rw-p", name: "[heap]" },
    { start: 0x100000, end: 0x120000, perms: "r--p", name: "/lib/libc.so.6" },
    { start: 0x120000, end: 0x140000, perms: "r-xp", name: "/lib/libc.so.6" },
    { start: 0x200000, end: 0x201000, perms: "rw-p", name: "" },
  ],
};
const ANON = 0x22;

describe("a command", () => {
  test.each([
    ["mmap 64K rw", "mmap", [0, 65536, 3, ANON, -1, 0], ""],
    ["mmap 64K rw anon private", "mmap", [0, 65536, 3, ANON, -1, 0], ""],
    ["mmap 4K at 0x5000 fixed", "mmap", [0x5000, 4096, 3, ANON | 0x10, -1, 0], ""],
    ["mmap 2p r-x file /lib/x.so offset 1p", "mmap", [0, 8192, 5, 2, 3, 4096], "/lib/x.so"],
    ['mmap 1M r shared file "/a b"', "mmap", [0, 2 ** 20, 1, 1, 3, 0], "/a b"],
    ["mmap 4096 prot=0xb flags=0x2", "mmap", [0, 4096, 11, 2, -1, 0], ""],
    ["MUNMAP $+4K 0x1000", "munmap", [0x8000, 4096], ""],
    ["mprotect [heap].end-1p 1p none", "mprotect", [0x20000, 4096, 0], ""],
    ["mprotect libc.so.6 4K r", "mprotect", [0x100000, 4096, 1], ""],
    ["mprotect libc.so.6.end-4K 4K r", "mprotect", [0x13f000, 4096, 1], ""],
    ["mremap $ 4K 8K maymove", "mremap", [0x7000, 4096, 8192, 1, 0], ""],
    ["mremap $ 4K 8K maymove fixed to 9000", "mremap", [0x7000, 4096, 8192, 3, 0x9000], ""],
    ["brk", "brk", [0], ""],
    ["brk +64K", "brk", [0x31000], ""],
    ["brk -4K", "brk", [0x20000], ""],
    ["madvise 5000 4K dontneed", "madvise", [0x5000, 4096, 4], ""],
    ["madvise 5000 4K 77", "madvise", [0x5000, 4096, 77], ""],
    ["mlock2 5000 4K onfault", "mlock2", [0x5000, 4096, 1], ""],
    ["mlockall current future", "mlockall", [3], ""],
    ["name 5000 4K arena", "prctl", [0x53564d41, 0, 0x5000, 4096, 1], "arena"],
    ["name 5000 4K none", "prctl", [0x53564d41, 0, 0x5000, 4096, 0], ""],
    ["fork", "fork", [1], ""],
    ["fork parent", "fork", [0], ""],
    ["rlimit as 1G", "rlimit", [9, 2 ** 30], ""],
    ["fault ffffffffffffffff exec", "fault", [2n ** 64n - 1n, 2, 0], ""],
    ["fault $ write 2p", "fault", [0x7000, 1, 8192], ""],
    ["fault 1000", "fault", [0x1000, 0, 0], ""],
    [
      "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)",
      "mmap",
      [0, 4096, 1, ANON, -1, 0],
      "",
    ],
    ["munmap(0x5000, 8192) = 0", "munmap", [0x5000, 8192], ""],
    [
      "mmap(0x5000, 4096, PROT_READ, MAP_PRIVATE, 3</lib/x.so>, 0x1000) = 0x5000",
      "mmap",
      [0x5000, 4096, 1, 2, 3, 4096],
      "/lib/x.so",
    ],
  ])("%s", (line, op, args, text) => {
    expect(readCommand(line, CONTEXT)).toEqual({ op, args, text });
  });

  test("is written so that it is read as the same call", () => {
    fc.assert(
      fc.property(anyCall, (call) => {
        expect(readCommand(shortForm(call) as string)).toEqual(call);
      }),
      { numRuns: 3000 },
    );
  });

  test("every verb can be written and read", () => {
    const seen = new Set(fc.sample(anyCall, 2000).map(({ op }) => op));
    expect([...seen].sort()).toEqual(VERBS.map(({ op }) => op).sort());
  });
});

describe("what is no command says what was expected, and where", () => {
  test.each([
    ["", /expected a call/, "^"],
    ["mmpa 4K", /"mmpa" is no call: expected mmap, perhaps/, "^^^^"],
    ["frob 1 2", /"frob" is no call: expected one of mmap, munmap/, "^^^^"],
    ["munmap 1000", /expected a LENGTH next\. Usage: munmap ADDRESS LENGTH/, "            ^"],
    ["munmap 1000 4Q", /expected a LENGTH such as .* not "4Q"/, "            ^^"],
    ["munmap nowhere 4K", /expected an ADDRESS such as .* not "nowhere"/, "       ^^^^^^^"],
    ["munmap 10000000000000000 4K", /is not in 0 to 2\^64 - 1/, "       ^^^^^^^^^^^^^^^^^"],
    ["munmap 0-4K 4K", /is not in 0 to 2\^64 - 1/, "       ^^^^"],
    [
      "mprotect 1000 4K rwz",
      /expected a PROT: letters of r, w, x.* not "rwz"/,
      "                 ^^^",
    ],
    ["mprotect 1000 4K r w", /one word too many: expected the end/, "                   ^"],
    ["mmap 4K rw r", /"r" is no word of mmap: expected at, file, offset, private/, "           ^"],
    ["mmap 4K fixd", /"fixd" is no word of mmap: expected PROT, at/, "        ^^^^"],
    ["mmap 4K at", /expected an ADDRESS after at/, "           ^"],
    ["mmap 4K fixed fixed", /fixed stands twice/, "              ^^^^^"],
    [
      "madvise 1000 4K dont",
      /expected an ADVICE: normal, random.* not "dont"/,
      "                ^^^^",
    ],
    ["fault 1000 poke", /expected read, write or exec, not "poke"/, "           ^^^^"],
    ['name 1000 4K "a', /a quote is open/, "             ^^"],
    ["munmap(0x5000", /expected/, "^^^^^^^^^^^^^"],
    ['write(1, "x", 1) = 1', /expected a memory call/, "^^^^^^^^^^^^^^^^^^^^"],
  ])("%s", (line, message, caret) => {
    let error: unknown;
    try {
      readCommand(line, CONTEXT);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).message).toMatch(message);
    expect((error as CommandError).caret).toBe(caret);
  });

  test("$ before any mmap", () => {
    expect(() => readCommand("munmap $ 4K")).toThrow(/nothing was mapped yet/);
  });

  test("any text is a call or a CommandError whose place lies at the line", () => {
    const words = fc.constantFrom(
      "mmap",
      "4K",
      "at",
      "$",
      "rw",
      "fixed",
      "[heap]+1p",
      "mprotect",
      '"',
      "x(",
    );
    const line = fc.oneof(
      fc.string(),
      fc.array(words).map((list) => list.join(" ")),
    );
    fc.assert(
      fc.property(line, (text) => {
        try {
          readCommand(text, CONTEXT);
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          expect(error.from).toBeGreaterThanOrEqual(0);
          expect(error.from).toBeLessThanOrEqual(text.length + 1);
          expect(error.to).toBeGreaterThan(error.from);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("completion", () => {
  const offered = (line: string) =>
    completionsAt(line, line.length, CONTEXT).suggestions.map(({ text }) => text);

  test.each([
    ["mp", ["mprotect"]],
    ["mprotect ", ["$", "0x20000", "0x100000", "0x120000", "0x200000"]],
    ["mprotect libc", ["0x100000", "0x120000"]],
    ["mprotect 0x12", ["0x120000"]],
    ["munmap 0x20000 ", ["4K", "64K", "2M", "1G"]],
    ["mprotect 0x20000 4K r", ["rw", "r", "rx"]],
    ["mmap 4K file ", ["/lib/libc.so.6"]],
    ["mmap 4K rw nor", ["noreplace", "noreserve"]],
    ["mmap 4K rw at 0x20000 fix", ["fixed"]],
    ["mmap 4K rw fixed fix", []],
    ["madvise 0x20000 4K dontn", ["dontneed", "dontneed_locked"]],
    ["brk +", ["+64K"]],
    ["fault 0x20000 ", ["read", "write", "exec"]],
    ["nonsense ", []],
    ['name 0x20000 4K "a', []],
  ])("%s", (line, texts) => {
    expect(offered(line)).toEqual(texts);
  });

  test("tells a mapping by its name, protection and size", () => {
    const [first] = completionsAt("munmap libc", 11, CONTEXT).suggestions;
    expect(first).toEqual({ text: "0x100000", detail: "libc.so.6 r--p 128K" });
  });

  test("replaces the word at the cursor, and leaves what follows", () => {
    const completion = completionsAt("mprot 0x20000 4K r", 2, CONTEXT);
    const suggestion = completion.suggestions.find(({ text }) => text === "mprotect");
    expect(accept("mprot 0x20000 4K r", completion, suggestion!)).toEqual({
      line: "mprotect 0x20000 4K r",
      cursor: 9,
    });
  });

  test("what is offered is accepted by the reader", () => {
    for (const { text } of completionsAt("madvise $ 4K ", 13, CONTEXT).suggestions) {
      expect(readCommand(`madvise $ 4K ${text}`, CONTEXT).op).toBe("madvise");
    }
    for (const { text } of completionsAt("mmap 4K rw ", 11, CONTEXT).suggestions) {
      const value = { at: " 0x1000", file: " /x", offset: " 4K" }[text] ?? "";
      expect(readCommand(`mmap 4K rw ${text}${value}`, CONTEXT).op).toBe("mmap");
    }
  });
});

describe("history", () => {
  test("goes back and forth, and keeps what was being typed", () => {
    const history = new CommandHistory();
    for (const line of ["mmap 4K", "fork", "fork", "  "]) history.add(line);
    expect(history.lines).toEqual(["mmap 4K", "fork"]);
    expect(history.older("half")).toBe("fork");
    expect(history.older("fork")).toBe("mmap 4K");
    expect(history.older("mmap 4K")).toBeNull();
    expect(history.newer()).toBe("fork");
    expect(history.newer()).toBe("half");
    expect(history.newer()).toBeNull();
  });
});

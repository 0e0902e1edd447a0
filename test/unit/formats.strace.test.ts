// strace logs as people have them -> operations: options, threads, cut and odd lines.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Madvise, MapFlags, MlockFlags, MremapFlags, MsyncFlags, Prot } from "../../src/flags.js";
import { readPerf } from "../../src/formats/perf.js";
import { InputError, readStrace, streamStrace, type TraceRow } from "../../src/formats/strace.js";
import { WORDS, wordOf } from "../../src/formats/strace-words.js";

const FIXTURES = new URL("../../fixtures/strace/", import.meta.url).pathname;

function fixture(name: string): Buffer {
  return gunzipSync(readFileSync(`${FIXTURES}${name}.gz`));
}

function rowsOf(...lines: string[]): readonly TraceRow[] {
  const { rows, problems } = readStrace(`${lines.join("\n")}\n`);
  expect(problems).toEqual([]);
  return rows;
}

const MMAP = "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)";
const WANTED = {
  kind: "call",
  op: "mmap",
  args: [0, 8192, 3, 0x22, -1, 0],
  file: "",
  result: 0x7f3d3166a000,
};

describe("the words are Linux's", () => {
  const groups = { PROT: Prot, MAP: MapFlags, MREMAP: MremapFlags, MADV: Madvise, MS: MsyncFlags };
  for (const [group, flags] of Object.entries(groups)) {
    test(group, () => {
      const want = Object.entries(flags)
        .filter(([name]) => name !== "MAP_32BIT")
        .map(([name, value]) => [`${group}_${name}`, value]);
      const table = WORDS;
      expect(want.map(([name]) => [name, table.get(name as string)])).toEqual(want);
    });
  }

  test("MCL, MLOCK", () => {
    const { CURRENT, FUTURE, ALL_ONFAULT, ONFAULT } = MlockFlags;
    const names = ["MCL_CURRENT", "MCL_FUTURE", "MCL_ONFAULT", "MLOCK_ONFAULT", "MAP_32BIT"];
    const want = [CURRENT, FUTURE, ALL_ONFAULT, ONFAULT, MapFlags.MAP_32BIT];
    expect(names.map((name) => WORDS.get(name))).toEqual(want);
  });

  test.each([
    ["NULL", 0],
    ["0x7f0000000000", 0x7f0000000000],
    ["18446744073709551615", 0xffff_ffff_ffff_ffffn],
    ["0x22 /* MAP_PRIVATE|MAP_ANONYMOUS */", 0x22],
    ["MAP_PRIVATE|MAP_HUGETLB|21<<MAP_HUGE_SHIFT", 2 + 0x40000 + 21 * 2 ** 26],
    ["MAP_PRIVATE|0x800000", 2 + 0x800000],
    ["0x66 /* MADV_??? */", 0x66],
    ["PROT_NONE", 0],
  ])("%s", (text, value) => expect(wordOf(text)).toBe(value));
});

describe("options of strace", () => {
  test.each([
    ["none", ""],
    ["-f to a file", "1234  "],
    ["-f to the terminal", "[pid  1234] "],
    ["-t", "14:38:56 "],
    ["-tt", "14:38:56.770383 "],
    ["-ttt", "1795617132.077654 "],
    ["-r", "     0.000123 "],
    ["-r -ttt", "1795617132.077654 (+     0.000123) "],
    ["-i", "[00007f3d3166aad7] "],
    ["-n", "[   9] "],
    ["-Y", "1234<sh> "],
    ["-f -tt -i -n", "1234  14:38:56.770383 [00007f3d3166aad7] [   9] "],
    ["-f -r", "[pid  1234]      0.000123 "],
  ])("%s", (_, prefix) => {
    const [row] = rowsOf(`${prefix}${MMAP} = 0x7f3d3166a000`);
    expect(row).toMatchObject(WANTED);
  });

  test("-T", () => {
    expect(rowsOf(`${MMAP} = 0x7f3d3166a000 <0.000036>`)).toMatchObject([WANTED]);
  });

  test("-X raw and -X verbose: flags as numbers", () => {
    const raw = "mmap(NULL, 8192, 0x3, 0x22, -1, 0) = 0x7f3d3166a000";
    const verbose =
      "mmap(NULL, 8192, 0x3 /* PROT_READ|PROT_WRITE */, 0x22 /* MAP_PRIVATE|MAP_ANONYMOUS */, -1, 0) = 0x7f3d3166a000";
    const all = "mmap(0, 0x2000, 0x3, 0x22, 0xffffffff, 0) = 0x7f3d3166a000";
    for (const line of [raw, verbose, all]) expect(rowsOf(line)).toMatchObject([WANTED]);
  });

  test("-k: stacks below the calls", () => {
    const stack = " > /usr/lib/libc.so.6(mmap+0x13) [0x10a217]";
    expect(rowsOf(`${MMAP} = 0x7f3d3166a000`, stack)).toMatchObject([WANTED]);
  });

  test("-y: the file behind a descriptor", () => {
    const files = [
      "3</lib/x.so>",
      "3</lib/a, (b) \\74c\\76.so>",
      "3</dev/null<char 1:3>>",
      "3</memfd:a b>(deleted)",
      "3</lib/gone>(deleted)",
      '3</lib/n\\nl\\\\b\\"q>',
      "3</lib/\\303\\251>",
      "3</lib/\\t\\v\\x41>",
    ].map((fd) => {
      const [row] = rowsOf(`mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, ${fd}, 0x1000) = 0x7000`);
      return row?.kind === "call" ? row.file : null;
    });
    expect(files).toEqual([
      "/lib/x.so",
      "/lib/a, (b) <c>.so",
      "/dev/null",
      "/memfd:a b (deleted)",
      "/lib/gone (deleted)",
      '/lib/n\nl\\b"q',
      "/lib/é",
      "/lib/\t\vA",
    ]);
  });

  test("without -y: descriptors are followed", () => {
    const rows = rowsOf(
      'openat(AT_FDCWD, "/lib/x.so", O_RDONLY|O_CLOEXEC) = 3',
      "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7000",
      "dup2(3, 9) = 9",
      "close(3) = 0",
      'memfd_create("a, b", MFD_CLOEXEC) = 3',
      "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x8000",
      "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 9, 0) = 0x9000",
      "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 5, 0) = 0xa000",
      "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 6, 0) = -1 EBADF (Bad file descriptor)",
      'creat("/tmp/new", 0644) = 6',
      "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 6, 0) = 0xb000",
    );
    const files = rows.map((row) => (row.kind === "call" ? row.file : row.kind));
    const memfd = "/memfd:a, b (deleted)";
    expect(files).toEqual(["/lib/x.so", memfd, "/lib/x.so", "[fd 5]", "", "/tmp/new"]);
  });
});

describe("calls", () => {
  test.each([
    ["munmap(0x7000, 38759) = 0", "munmap", [0x7000, 38759], 0],
    [
      "mprotect(0x7000, 4096, PROT_READ) = -1 ENOMEM (Cannot allocate memory)",
      "mprotect",
      [0x7000, 4096, 1],
      "ENOMEM",
    ],
    ["brk(NULL) = 0x5650bf96e000", "brk", [0], 0x5650bf96e000],
    [
      "mremap(0x7000, 4096, 8192, MREMAP_MAYMOVE) = 0x9000",
      "mremap",
      [0x7000, 4096, 8192, 1, 0],
      0x9000,
    ],
    [
      "mremap(0x7000, 4096, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x9000) = 0x9000",
      "mremap",
      [0x7000, 4096, 8192, 3, 0x9000],
      0x9000,
    ],
    ["madvise(0x7000, 4096, MADV_DONTNEED) = 0", "madvise", [0x7000, 4096, 4], 0],
    ["mlockall(MCL_CURRENT|MCL_FUTURE) = 0", "mlockall", [3], 0],
    ["munlockall() = 0", "munlockall", [], 0],
    ["mlock2(0x7000, 4096, MLOCK_ONFAULT) = 0", "mlock2", [0x7000, 4096, 1], 0],
    ["msync(0x7000, 4096, MS_SYNC) = 0", "msync", [0x7000, 4096, 4], 0],
    ["mincore(0x7000, 8192, [1, 0]) = 0", "mincore", [0x7000, 8192, 0], 0],
    [
      "mmap2(NULL, 4096, PROT_READ, MAP_SHARED, -1, 0x1000) = 0xf7000000",
      "mmap",
      [0, 4096, 1, 1, -1, 0x1000],
      0xf7000000,
    ],
  ])("%s", (line, op, args, result) => {
    expect(rowsOf(line)).toMatchObject([{ kind: "call", op, args, result }]);
  });

  test("a name by prctl; other uses are of no interest", () => {
    const rows = rowsOf(
      'prctl(PR_SET_NAME, "x") = 0',
      'prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0x7000, 4096, "a, b") = 0',
    );
    expect(rows).toMatchObject([
      { op: "prctl", args: [0x53564d41, 0, 0x7000, 4096, 0], file: "a, b" },
    ]);
  });

  test("calls of no interest, signals and notes are passed over", () => {
    const lines = [
      'write(1, "mmap(NULL) = 0x1", 16) = 16',
      "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---",
      "[ Process PID=12 runs in 32 bit mode. ]",
      "strace: Process 12 detached",
      "???( <unfinished ...>",
      "",
      "exit_group(0) = ?",
    ];
    expect(rowsOf(...lines)).toEqual([]);
  });

  test("a call that never returned has no row and is counted", () => {
    const { rows, unanswered, problems } = readStrace(
      `${MMAP} = ?\nmunmap(0x7000, 1 <unfinished ...>\n`,
    );
    expect({ rows, unanswered, problems }).toEqual({ rows: [], unanswered: 2, problems: [] });
  });
});

describe("threads and processes", () => {
  test("unfinished and resumed, of several threads, old and new style", () => {
    const rows = rowsOf(
      '10 execve("./a", ["./a"], 0x7ffe /* 39 vars */) = 0',
      "10 clone(child_stack=0x7000, flags=CLONE_VM|CLONE_FS|CLONE_THREAD, tls=0x1) = 11",
      "10 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>",
      "11 munmap(0x7000, 4096 <unfinished ...>",
      "10 <... mmap resumed>)               = 0x7000",
      "11 <... munmap resumed> )            = 0",
    );
    expect(rows).toMatchObject([
      { kind: "exec", pid: 10 },
      { op: "mmap", pid: 10, tid: 10, result: 0x7000 },
      { op: "munmap", pid: 10, tid: 11, result: 0 },
    ]);
  });

  test("a child's lines before its parent's call returns", () => {
    const rows = rowsOf(
      "10 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88 <unfinished ...>",
      "11 brk(NULL) = 0x5000",
      '11 execve("./b", ["./b"], 0x7ffe /* 1 var */ <unfinished ...>',
      "10 <... clone3 resumed>) = 11",
      "11 <... execve resumed>) = 0",
      "11 +++ exited with 0 +++",
      "10 +++ killed by SIGSEGV (core dumped) +++",
    );
    expect(rows).toMatchObject([
      { kind: "vfork", pid: 10, child: 11 },
      { op: "brk", pid: 11 },
      { kind: "exec", pid: 11 },
      { kind: "end", pid: 11 },
      { kind: "end", pid: 10 },
    ]);
  });

  test("a child that ended before its parent's call returned is born once", () => {
    const rows = rowsOf(
      "10 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>",
      "11 +++ exited with 0 +++",
      "10 <... clone resumed>, child_tidptr=0x7f) = 11",
    );
    expect(rows.map(({ kind }) => kind)).toEqual(["fork", "end"]);
  });

  test.each([
    ["fork() = 11", "fork"],
    ["vfork() = 11", "vfork"],
    ["clone(child_stack=NULL, flags=SIGCHLD) = 11", "fork"],
    ["clone(0x1200011, 0, 0, 0x7f, 0) = 11", "fork"],
    ["clone3({flags=0x4100 /* CLONE_VM|CLONE_VFORK */, stack=0x7f}, 88) = 11", "vfork"],
    ["clone(child_stack=0x7f, flags=CLONE_VM|SIGCHLD) = 11", "vfork"],
  ])("%s", (line, kind) => {
    expect(rowsOf(`10 ${line}`)).toMatchObject([{ kind, pid: 10, child: 11 }]);
  });

  test("a thread's exec goes on under the process's number", () => {
    const { rows } = readStrace(fixture("exec.strace"));
    const events = rows.filter(({ kind }) => kind !== "call").map(({ kind, pid }) => [kind, pid]);
    const [[, pid] = []] = events;
    expect(events).toEqual([
      ["exec", pid],
      ["exec", pid],
      ["end", pid],
    ]);
  });

  test("on a terminal: numbers only while there are several, notes within lines", () => {
    const rows = rowsOf(
      "brk(NULL) = 0x5000",
      "clone(child_stack=NULL, flags=SIGCHLDstrace: Process 11 attached",
      ", child_tidptr=0x7f) = 11",
      "[pid    11] brk(NULL) = 0x6000",
      "[pid    10] munmap(0x7000, 4096) = 0",
      "[pid    11] +++ exited with 0 +++",
      "munmap(0x8000, 4096) = 0",
    );
    expect(rows).toMatchObject([
      { op: "brk", pid: 0 },
      { kind: "fork", pid: 0, child: 11 },
      { op: "brk", pid: 11 },
      { op: "munmap", pid: 0 },
      { kind: "end", pid: 11 },
      { op: "munmap", pid: 0 },
    ]);
  });
});

describe("one program, recorded with all options", () => {
  const forms = ["demo", "all", "err", "r", "raw", "verbose"];
  const counts = (rows: readonly TraceRow[]) => {
    const sums: Record<string, number> = {};
    for (const row of rows) {
      const key = row.kind === "call" ? row.op : row.kind;
      sums[key] = (sums[key] ?? 0) + 1;
    }
    return sums;
  };
  const want = counts(readStrace(fixture("demo.strace")).rows);

  test.each(forms)("%s", (name) => {
    const log = readStrace(fixture(`${name}.strace`));
    expect(log).toMatchObject({ problems: [], unanswered: 0, truncated: 0 });
    expect(counts(log.rows)).toEqual(want);
  });

  test("in pieces of any size, with the same rows", async () => {
    const bytes = fixture("all.strace");
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
    }
    const rows = [];
    for await (const row of streamStrace(pieces())) rows.push(row);
    expect(rows).toEqual(readStrace(bytes).rows);
  });

  test("cut anywhere, a log tells where, and is read so far", () => {
    const text = fixture("demo.strace").toString();
    const rows = readStrace(text).rows.length;
    for (let cut = 1; cut < 2000; cut += 13) {
      const log = readStrace(text.slice(0, -cut));
      expect(log.problems).toEqual([]);
      expect(log.rows.length).toBeLessThanOrEqual(rows);
    }
  });
});

describe("wrong lines", () => {
  test.each([
    ["words", "hello world", "a line of strace"],
    ["no result", "munmap(0x7000, 4096)", "munmap(...) = its result"],
    ["an unknown flag", "madvise(0x7000, 4096, MADV_TELEPORT) = 0", "known flags in madvise"],
    ["a place between pages", `${MMAP} = 0x7f3d3166a`, "the page that mmap returned"],
  ])("%s: reported with number and text, the rest is read", (_, line, expected) => {
    const { rows, problems } = readStrace(`${MMAP} = 0x7000\n${line}\nmunlockall() = 0\n`);
    expect(rows.length).toBe(2);
    expect(problems).toMatchObject([{ line: 2, expected }]);
  });

  test("strict stops at the first", () => {
    const read = () => readStrace("hello\nworld\n", { strict: true, file: "FILE" });
    expect(read).toThrow(InputError);
    expect(read).toThrow('FILE:1: expected a line of strace, got "hello"');
  });

  test("a last line that is cut is none, strict or not", () => {
    const { truncated, problems } = readStrace(`${MMAP} = 0x7000\nmunmap(0x70`, { strict: true });
    expect({ truncated, problems }).toEqual({ truncated: 2, problems: [] });
  });
});

describe("perf script", () => {
  test("what it tells is mapped, and by whom", () => {
    const { rows, problems } = readPerf(fixture("perf.script"));
    expect(problems).toEqual([]);
    expect(rows.filter(({ kind }) => kind === "call").length).toBe(161);
    expect(rows.filter(({ kind }) => kind !== "call").map(({ kind }) => kind)).toEqual([
      "exec",
      "fork",
      "end",
      "fork",
      "exec",
      "end",
      "fork",
      "exec",
      "end",
      "end",
    ]);
  });

  test.each([
    [
      "PERF_RECORD_MMAP2 12/13: [0x7000(0x2000) @ 0x1000 fe:00 26 7]: r-xp /lib/a b.so",
      { pid: 12, tid: 13, args: [0x7000, 0x2000, 5, 0x12, -1, 0x1000], file: "/lib/a b.so" },
    ],
    [
      "PERF_RECORD_MMAP2 12/12: [0x7000(0x2000) @ 0x7000 00:00 0 0]: rw-s //anon",
      { args: [0x7000, 0x2000, 3, 0x31, -1, 0], file: "" },
    ],
    [
      "PERF_RECORD_MMAP 12/12: [0x7000(0x2000) @ 0]: x /lib/x.so",
      { args: [0x7000, 0x2000, 4, 0x12, -1, 0], file: "/lib/x.so" },
    ],
    [
      "PERF_RECORD_MMAP2 12/12: [0x7000(0x1000) @ 0 <0123456789abcdef>]: r--p /lib/x.so",
      { args: [0x7000, 0x1000, 1, 0x12, -1, 0], file: "/lib/x.so" },
    ],
  ])("%s", (event, want) => {
    const { rows } = readPerf(`ls 12 [000] 5917.033321: ${event}\n`);
    expect(rows).toMatchObject([{ kind: "call", op: "mmap", result: 0x7000, ...want }]);
  });

  test("the kernel's own text, samples and comments are passed over", () => {
    const lines = [
      "# a comment",
      "swapper 0 [000] 0.000000: PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x1000) @ 0]: x [kernel.kallsyms]_text",
      "ls 12 [000] 5917.033321:     1 cycles:",
      "\tffffffff81000000 x+0x1 ([kernel.kallsyms])",
    ];
    expect(readPerf(lines.join("\n"))).toEqual({ rows: [], problems: [] });
  });

  test("another line is wrong", () => {
    expect(readPerf("hello\n").problems).toMatchObject([
      { line: 1, expected: "a line of perf script" },
    ]);
  });
});

// Random sequences of memory calls with what Linux answers: node scripts/ask-linux.mjs --help
//
// One sequence a seed, of more kinds of calls than the recordings have: files of every sort,
// /dev/zero, huge pages, seals, remap_file_pages, MDWE, READ_IMPLIES_EXEC, limits. Writes them to
// FILE, one JSON line each; FILE.gz if its name ends so. Needs Linux, root and gcc.
// test/oracle/sequences.oracle.test.ts plays them; with SEQUENCES=FILE, those of a file.
//
//   {"seed", "kernel", "steps": [[call, answer, splice?] ...]}
//     splice  [index, how many go, [lines that come]] of the window's VMAs, if the call changed it:
//             "START-END PERMS OFFSET NAME | VmFlags", in hexadecimal

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { readOptions } from "./options.mjs";

const PAGE = 4096;
const BASE = 0x200000000000;
const HUGE_PAGES = 512;
const CALLS = 150;
const SOURCE = fileURLToPath(new URL("../test/support/sequences-linux.c", import.meta.url));
const LINE = /^m ([0-9a-f]+-[0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ *(.*?) \| *(.*?) *$/;

const MAP = {
  ...{ SHARED: 1, PRIVATE: 2, SHARED_VALIDATE: 3, DROPPABLE: 8, FIXED: 0x10, ANONYMOUS: 0x20 },
  ...{ GROWSDOWN: 0x100, LOCKED: 0x2000, NORESERVE: 0x4000, POPULATE: 0x8000, NONBLOCK: 0x10000 },
  ...{ STACK: 0x20000, HUGETLB: 0x40000, SYNC: 0x80000, FIXED_NOREPLACE: 0x100000 },
};
const RLIMIT = { DATA: 2, STACK: 3, MEMLOCK: 8, AS: 9 };
const ADVICE = [
  ...[0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
  ...[102, 102, 103, 77],
];
const FILES = ["A", "B", "C", "D", "E", "H", "Z", "Z"];
const SETUP = [
  "memfd 10000 2 @A",
  "memfd 10000 2 @B",
  "seal 8 @B", // F_SEAL_WRITE
  "file 10000 2 @C", // O_RDWR
  "file 10000 0 @D", // O_RDONLY
  "file 10000 1 @E", // O_WRONLY
  "memfd 400000 4 @H", // MFD_HUGETLB
  "zero @Z",
];
const STATUS = ["VmLck", "VmSize", "VmData", "VmStk"];

/** xorshift32: the same sequence for a seed everywhere. */
class Random {
  constructor(seed) {
    this.state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  }
  below(n) {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return Math.floor(((this.state >>> 0) / 2 ** 32) * n);
  }
  chance(percent) {
    return this.below(1000) < percent * 10;
  }
  pick(...values) {
    return values[this.below(values.length)];
  }
}

const hex = (...values) => values.map((value) => value.toString(16)).join(" ");

/** Addresses near the borders of huge pages, lengths of a few pages; now and then odd ones. */
class Arguments {
  constructor(random) {
    this.random = random;
  }
  address() {
    const { random } = this;
    const page = HUGE_PAGES * (1 + random.below(3)) - 6 + random.below(14);
    return BASE + page * PAGE + (random.chance(2) ? 1 + random.below(PAGE - 1) : 0);
  }
  length() {
    const { random } = this;
    if (random.chance(2)) return 0;
    const few = 1 + random.below(random.chance(70) ? 4 : 12);
    const pages = random.chance(6) ? HUGE_PAGES * (1 + random.below(2)) : few;
    return pages * PAGE - (random.chance(8) ? random.below(PAGE - 1) : 0);
  }
  range() {
    return hex(this.address(), this.length());
  }
  prot() {
    const { random } = this;
    if (random.chance(3)) return random.pick(8, 16, 0x01000000, 0x02000000, 0x03000003);
    return random.pick(0, 1, 2, 3, 3, 3, 4, 5, 7, 1);
  }
}

function mmapCall(random, args) {
  let file = random.chance(50) ? random.pick(...FILES) : "";
  if (random.chance(1)) file = "!"; // a bad descriptor
  let flags = random.chance(85) ? MAP.FIXED : MAP.FIXED_NOREPLACE;
  flags |= random.chance(8) ? random.pick(0, 3, 8) : random.pick(MAP.SHARED, MAP.PRIVATE);
  if (file === "") flags |= MAP.ANONYMOUS;
  const odds = {
    GROWSDOWN: 10,
    LOCKED: 8,
    NORESERVE: 10,
    POPULATE: 10,
    NONBLOCK: 5,
    STACK: 8,
    SYNC: 2,
  };
  for (const [name, percent] of Object.entries(odds))
    if (random.chance(percent)) flags |= MAP[name];
  if (random.chance(2)) flags |= random.pick(0x800, 0x1000, 0x200000, 0x4000000, 0x8000000);
  let address = args.address();
  let length = args.length();
  let offset = random.below(8);
  if (random.chance(5) || file === "H") {
    flags &= ~(MAP.POPULATE | MAP.LOCKED);
    if (file === "" || random.chance(20)) flags |= MAP.HUGETLB;
    if (random.chance(85)) flags |= MAP.NORESERVE; // without it: ENOMEM, the pool is empty
    if (random.chance(20)) flags |= random.pick(21, 30, 13) << 26;
    if (random.chance(85)) address = BASE + HUGE_PAGES * PAGE * (1 + random.below(3));
    if (random.chance(70)) length = HUGE_PAGES * PAGE - random.below(3);
    if (random.chance(80)) offset = HUGE_PAGES * random.below(2);
  }
  const bytes = offset * PAGE + (random.chance(2) ? 5 : 0);
  const name = file === "" ? "" : ` @${file}`;
  return `mmap ${hex(address, length, args.prot(), flags >>> 0, bytes)}${name}`;
}

function mremapCall(random, args) {
  const length = args.length();
  const kind = random.below(4);
  if (kind === 0) return `mremap ${hex(args.address(), length, args.length(), 0, 0)}`;
  const newLength = kind === 1 ? length : args.length();
  return `mremap ${hex(args.address(), length, newLength, kind === 3 ? 7 : 3, args.address())}`;
}

function touchCall(random, args) {
  const address = args.address();
  const page = address - (address % PAGE);
  return `${random.pick("touch", "touch", "read")} ${hex(page, PAGE * (1 + random.below(3)))}`;
}

/** Kinds of calls and their shares. */
const KINDS = [
  [34, mmapCall],
  [8, (_, args) => `munmap ${args.range()}`],
  [12, (_, args) => `mprotect ${args.range()} ${hex(args.prot())}`],
  [10, mremapCall],
  [12, (random, args) => `madvise ${args.range()} ${hex(random.pick(...ADVICE))}`],
  [4, (random, args) => `mlock2 ${args.range()} ${random.pick(0, 1, 1, 0, 0, 2)}`],
  [2, (_, args) => `munlock ${args.range()}`],
  [1, (random) => random.pick("munlockall", `mlockall ${random.pick(2, 4, 6, 8)}`)],
  [1, (random, args) => `msync ${args.range()} ${random.pick(0, 1, 2, 4, 5, 6, 8)}`],
  [2, (_, args) => `mincore ${args.range()}`],
  [1, (random, args) => `mseal ${args.range()} ${random.chance(5) ? 1 : 0}`],
  [
    3,
    (random, args) =>
      `remap_file_pages ${args.range()} ${random.chance(5) ? 1 : 0} ${random.below(8)} 0`,
  ],
  [0.3, () => "fork"],
  [9, touchCall],
];

function call(random, args) {
  const total = KINDS.reduce((sum, [share]) => sum + share, 0);
  let at = (random.below(1e6) / 1e6) * total;
  for (const [share, make] of KINDS) {
    at -= share;
    if (at < 0) return make(random, args);
  }
  return "munlockall";
}

/** The calls of one seed. */
function sequence(seed) {
  const random = new Random(seed);
  const args = new Arguments(random);
  const calls = [...SETUP];
  if (random.chance(15)) calls.push("mdwe");
  if (random.chance(15)) calls.push("personality 400000"); // READ_IMPLIES_EXEC
  calls.push(...STATUS);
  const lock = hex(random.pick(0, 4, 9, 30, 700) * PAGE);
  if (random.chance(30)) calls.push(`rlimit ${RLIMIT.MEMLOCK} ${lock}`, "dropcap");
  const stack = hex(random.pick(4, 8, 20, 600) * PAGE);
  if (random.chance(20)) calls.push(`rlimit ${RLIMIT.STACK} ${stack}`);
  const limited = random.pick(0, 0, 0, RLIMIT.AS, RLIMIT.DATA);
  for (let i = 0; i < CALLS; i++) {
    // Never 0: where nothing outside the window counts, a limit of 0 would be another thing.
    const headroom = `headroom ${limited} ${hex((1 + random.below(40)) * PAGE)}`;
    calls.push(limited !== 0 && i === CALLS / 5 ? headroom : call(random, args));
  }
  return [...calls, ...STATUS];
}

/** The one replacement that makes `before` into `after`; null if they are equal. */
function splice(before, after) {
  let head = 0;
  while (head < before.length && before[head] === after[head]) head++;
  if (head === before.length && head === after.length) return null;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [head, before.length - head - tail, after.slice(head, after.length - tail)];
}

/** `calls` with Linux's answers, as steps. */
function ask(program, folder, calls) {
  const input = `${calls.join("\n")}\n`;
  const { stdout } = spawnSync(program, { input, cwd: folder, encoding: "utf8" });
  const blocks = stdout.split(/^r /m).slice(1);
  if (blocks.length !== calls.length)
    throw new Error(`${blocks.length} of ${calls.length} answers`);
  let vmas = [];
  return calls.map((text, i) => {
    const [answer, ...lines] = blocks[i].trimEnd().split("\n");
    if (lines.length === 0 && !isMemoryCall(text)) return [text, answer];
    const now = lines.map((line) => {
      const [, range, perms, offset, name, flags] = LINE.exec(line);
      return `${range} ${perms} ${Number.parseInt(offset, 16).toString(16)} ${nameOf(name)} | ${flags}`;
    });
    const change = splice(vmas, now);
    vmas = now;
    return change === null ? [text, answer] : [text, answer, change];
  });
}

const isMemoryCall = (text) =>
  !/^(memfd|seal|file|zero|mdwe|personality|rlimit|headroom|dropcap|Vm)/.test(text);
const nameOf = (name) => name.replace(/^.*\/seq/, "/seq");

function main() {
  const { words } = readOptions({
    command: "node scripts/ask-linux.mjs",
    about: "Random sequences of memory calls, with what Linux answers. Needs Linux, root and gcc.",
    words: ["FROM TO FILE", "the first seed, the one after the last, and where to write", 3, 3],
    options: {},
  });
  const [from, to, file] = words;
  const folder = mkdtempSync(join(tmpdir(), "vmaple-sequences-"));
  const program = join(folder, "sequences-linux");
  execFileSync("gcc", ["-O1", "-o", program, SOURCE]);
  const lines = [];
  for (let seed = Number(from); seed < Number(to); seed++) {
    const steps = ask(program, folder, sequence(seed));
    lines.push(JSON.stringify({ seed, kernel: release().split("-")[0], steps }));
  }
  rmSync(folder, { recursive: true });
  const text = `${lines.join("\n")}\n`;
  writeFileSync(file, file.endsWith(".gz") ? gzipSync(text, { level: 9 }) : text);
}

main();

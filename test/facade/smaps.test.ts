// /proc/PID/smaps text (section 15 of the rules), against the files of real processes.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readMaps } from "../../src/formats/maps.js";
import {
  type Engine,
  type FileRef,
  Madvise,
  MapFlags,
  type MmWithUser,
  Prot,
  VmFlags,
} from "../../src/index.js";
import {
  BASE,
  draw,
  freshEngine,
  liveObjects,
  PAGE,
  PRIVATE_ANON,
  RW,
  SHARED_ANON,
} from "../support/engine.js";

const FIXED = MapFlags.FIXED;
const HUGE = 512 * PAGE;
const ROOT = new URL("../..", import.meta.url).pathname;
const TASK_SIZE = 2 ** 47 - PAGE;
/** Counted from pages, which are not modelled. */
const COUNTED =
  /^(Rss|Pss|Pss_Dirty|Shared_\w+|Private_\w+|Referenced|Anonymous|KSM|LazyFree|AnonHugePages|\w+PmdMapped|Swap|SwapPss|Locked):.*$/;
const HEADER =
  /^([0-9a-f]+)-([0-9a-f]+) \S{4} ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(?:(\S.*))?$/;

/** smaps files: those of the repository always, the large collection where it is. */
function smapsFiles(folder: string): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.endsWith(".smaps.gz"))
    .map((name) => join(path, name));
}

/** The text as the engine can know it: below the end of the task, page counts 0. */
function withoutPages(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    if (line.endsWith("[vsyscall]")) break; // the gate: not a VMA
    lines.push(
      COUNTED.test(line) ? line.replace(/\d+ kB$/, (n) => "0 kB".padStart(n.length)) : line,
    );
  }
  return lines.filter((line) => line !== "");
}

const codes = new Map(
  Object.entries({
    rd: VmFlags.READ,
    wr: VmFlags.WRITE,
    ex: VmFlags.EXEC,
    sh: VmFlags.SHARED,
    mr: VmFlags.MAYREAD,
    mw: VmFlags.MAYWRITE,
    me: VmFlags.MAYEXEC,
    ms: VmFlags.MAYSHARE,
    gd: VmFlags.GROWSDOWN,
    pf: VmFlags.PFNMAP,
    lo: VmFlags.LOCKED,
    io: VmFlags.IO,
    sr: VmFlags.SEQ_READ,
    rr: VmFlags.RAND_READ,
    dc: VmFlags.DONTCOPY,
    de: VmFlags.DONTEXPAND,
    ac: VmFlags.ACCOUNT,
    nr: VmFlags.NORESERVE,
    wf: VmFlags.WIPEONFORK,
    dd: VmFlags.DONTDUMP,
    mm: VmFlags.MIXEDMAP,
    hg: VmFlags.HUGEPAGE,
    nh: VmFlags.NOHUGEPAGE,
    mg: VmFlags.MERGEABLE,
  }),
);

interface Given {
  start: number;
  end: number;
  flags: number;
  offset: number;
  file: string;
  name: string;
}

function parse(lines: string[]): Given[] {
  const vmas: Given[] = [];
  for (const line of lines) {
    const header = HEADER.exec(line);
    if (header !== null) {
      const [, start = "", end = "", offset = "", major, minor, inode, name = ""] = header;
      const file = name.startsWith("[")
        ? name
        : inode === "0"
          ? ""
          : `${major}:${minor} ${inode} ${name}`;
      vmas.push({
        start: Number.parseInt(start, 16),
        end: Number.parseInt(end, 16),
        offset: Number.parseInt(offset, 16),
        flags: 0,
        file,
        name,
      });
    } else if (line.startsWith("VmFlags: ")) {
      const vma = vmas.at(-1) as Given;
      for (const code of line.slice(9).trim().split(" ")) {
        const bit = codes.get(code);
        if (bit === undefined) throw new Error(`no bit for ${code}`);
        vma.flags += bit;
      }
    }
  }
  return vmas;
}

function openGiven(engine: Engine, given: Given): FileRef | null {
  if (given.file === "" || given.name === "[heap]" || given.name === "[stack]") return null;
  if (given.name.startsWith("[")) return engine.openFile({ name: given.name, kind: "special" });
  const [dev = "", inode = ""] = given.file.split(" ");
  const deleted = given.name.endsWith(" (deleted)");
  const name = deleted ? given.name.slice(0, -" (deleted)".length) : given.name;
  return engine.openFile({
    name: name.replaceAll("\\012", "\n"),
    dev,
    inode: Number(inode),
    deleted,
  });
}

/** The same VMAs in an engine. */
function install(engine: Engine, vmas: readonly Given[]): MmWithUser {
  const heap = vmas.filter(({ name }) => name === "[heap]");
  const stack = vmas.find(({ name }) => name === "[stack]");
  const mm = engine.createMm({
    taskSize: TASK_SIZE,
    startBrk: heap[0]?.start ?? PAGE,
    brk: heap.at(-1)?.end ?? PAGE,
    startStack: stack === undefined ? 0 : stack.end - PAGE,
    thp: "madvise",
    overcommit: "always",
  });
  const files = new Map<string, FileRef | null>();
  for (const given of vmas) {
    if (!files.has(given.file)) files.set(given.file, openGiven(engine, given));
    const file = files.get(given.file)?.asRaw() ?? 0;
    const pgoff = file === 0 ? given.start / PAGE : given.offset / PAGE;
    const { start, end, flags } = given;
    expect(engine.raw.vmaInstall(mm.asRaw(), start, end, flags, pgoff, file)).toBe(0);
  }
  for (const file of files.values()) file?.dispose();
  return mm;
}

async function compare(path: string): Promise<void> {
  const expected = withoutPages(gunzipSync(readFileSync(path)).toString());
  const engine = await freshEngine({ memoryBytes: 32 * 2 ** 20 });
  {
    using mm = install(engine, parse(expected));
    expect(mm.smaps().split("\n").slice(0, -1)).toEqual(expected);
  }
  expect(liveObjects(engine)).toBe(0);
}

describe("real smaps, page counts aside, to the byte", () => {
  const committed = smapsFiles("fixtures/maps");
  test("there are committed ones", () => expect(committed.length).toBeGreaterThan(0));
  test.each(committed.map((path) => [basename(path), path]))("%s", (_name, path) => compare(path));
  const all = smapsFiles("../shared/procmaps");
  test.skipIf(all.length === 0)("the collection", async () => {
    for (const path of all) await compare(path);
  });
});

/** THPeligible of the VMA at `address`. */
function eligible(mm: MmWithUser, address: number): number | string | undefined {
  const { entries } = readMaps(mm.smaps());
  const entry = entries.find(({ start, end }) => start <= address && address < end);
  return Number(entry?.fields?.THPeligible);
}

describe("THPeligible, as Linux 6.18.44 answered (thp=madvise)", () => {
  test.each<[name: string, args: { flags: number; prot?: number }, answer: number]>([
    ["private anonymous", { flags: PRIVATE_ANON }, 1],
    ["without access", { flags: PRIVATE_ANON, prot: Prot.NONE }, 1],
    ["shared anonymous", { flags: SHARED_ANON }, 0],
    ["a stack", { flags: PRIVATE_ANON | MapFlags.GROWSDOWN }, 1],
    ["locked", { flags: PRIVATE_ANON | MapFlags.LOCKED }, 1],
    ["droppable", { flags: MapFlags.DROPPABLE | MapFlags.ANONYMOUS }, 1],
  ])("%s, 4 MiB with MADV_HUGEPAGE", async (_name, args, answer) => {
    const engine = await freshEngine();
    using mm = engine.createMm({ capIpcLock: true });
    const flags = args.flags | FIXED;
    mm.mmap({ address: BASE, length: 2 * HUGE, prot: args.prot ?? RW, flags });
    mm.madvise(BASE, 2 * HUGE, Madvise.HUGEPAGE);
    expect(eligible(mm, BASE)).toBe(answer);
  });

  test("private /dev/zero is anonymous, any other file is not", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    using zero = engine.openFile({ name: "/dev/zero", kind: "dev-zero" });
    using other = engine.openFile({ name: "/f", size: 2 ** 30 });
    const place = { length: 2 * HUGE, prot: Prot.READ, flags: MapFlags.PRIVATE | FIXED };
    mm.mmap({ ...place, address: BASE, file: zero, offset: PAGE });
    mm.mmap({ ...place, address: BASE + 2 * HUGE, file: other });
    mm.madvise(BASE, 4 * HUGE, Madvise.HUGEPAGE);
    expect(eligible(mm, BASE)).toBe(1);
    expect(eligible(mm, BASE + 2 * HUGE)).toBe(0);
  });

  test("a whole aligned huge page must be inside", async () => {
    const engine = await freshEngine();
    await fc.assert(
      fc.asyncProperty(fc.nat(600), fc.integer({ min: 1, max: 1300 }), async (first, pages) => {
        using mm = engine.createMm();
        const address = BASE + first * PAGE;
        mm.mmap({ address, length: pages * PAGE, prot: RW, flags: PRIVATE_ANON | FIXED });
        mm.madvise(address, pages * PAGE, Madvise.HUGEPAGE);
        let fits = 0;
        for (let at = BASE; at < BASE + 4 * HUGE; at += HUGE) {
          if (at >= address && at + HUGE <= address + pages * PAGE) fits = 1;
        }
        expect(eligible(mm, address)).toBe(fits);
      }),
      { numRuns: 50 },
    );
  });

  test("always takes all but MADV_NOHUGEPAGE, never none", async () => {
    const engine = await freshEngine();
    const answers = (["always", "madvise", "never"] as const).map((thp) => {
      using mm = engine.createMm({ thp });
      return [Madvise.NORMAL, Madvise.HUGEPAGE, Madvise.NOHUGEPAGE].map((advice) => {
        mm.mmap({ address: BASE, length: HUGE, prot: RW, flags: PRIVATE_ANON | FIXED });
        mm.madvise(BASE, HUGE, advice);
        return eligible(mm, BASE);
      });
    });
    expect(answers).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
  });
});

test("sizes of 16 and 64 KiB pages, and of huge pages", async () => {
  const engine = await freshEngine();
  for (const pageSize of [4096, 16384, 65536] as const) {
    using mm = engine.createMm({ pageSize });
    mm.mmap({ address: BASE, length: 3 * pageSize, prot: RW, flags: PRIVATE_ANON | FIXED });
    const fields = readMaps(mm.smaps()).entries[0]?.fields;
    const kib = pageSize / 1024;
    expect(fields).toMatchObject({ Size: 3 * kib, KernelPageSize: kib, MMUPageSize: kib, Rss: 0 });
  }
  using mm = engine.createMm();
  const flags = PRIVATE_ANON | FIXED | MapFlags.HUGETLB | MapFlags.NORESERVE;
  mm.mmap({ address: BASE, length: HUGE, prot: RW, flags });
  const fields = readMaps(mm.smaps()).entries[0]?.fields;
  expect(fields).toMatchObject({ Size: 2048, KernelPageSize: 2048, MMUPageSize: 2048 });
  expect(fields?.VmFlags).toBe("rd wr mr mw me de nr ht");
});

test("every flag has its code, in bit order, and a bit without a name shows as ??", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  const named = Object.values(VmFlags).reduce((sum, bit) => sum + bit, 0);
  const special = named - VmFlags.LOCKED - VmFlags.ACCOUNT;
  engine.raw.vmaInstall(mm.asRaw(), BASE, BASE + PAGE, special + 2 ** 32, 0, 0);
  expect(mm.smaps().split("\n").at(-2)).toBe(
    "VmFlags: rd wr ex sh mr mw me ms gd um pf gu uw io sr rr dc de lf nr ht sf ar wf dd sd mm hg nh mg ?? ss dp ui sl ",
  );
});

test("what smaps prints, the reader of vmaple/maps reads: maps and smaps agree", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  draw(mm, "WWR.NX");
  mm.setVmaName(BASE, PAGE, "a b");
  const { entries, problems } = readMaps(mm.smaps());
  expect(problems).toEqual([]);
  expect(entries.map(({ start }) => start)).toEqual(mm.vmas().map(({ start }) => start));
  const headers = mm
    .smaps()
    .split("\n")
    .filter((line) => HEADER.test(line) && line.includes("-p"));
  expect(headers.every((line) => mm.maps().includes(`${line}\n`))).toBe(true);
});

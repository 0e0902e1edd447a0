// maps and smaps, read and written: every quirk of real files, and real files themselves.
// Bug-report ids stand beside the behaviours that others got wrong.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  diffMaps,
  fileOffset,
  findEntry,
  formatMapsLine,
  gaps,
  InputError,
  kindOf,
  MapsParser,
  mapsBytes,
  mapsText,
  nameOfPath,
  pathOf,
  readMaps,
  sizeOf,
  streamMaps,
  totals,
} from "../../src/formats/maps.js";

const FIXTURES = new URL("../../fixtures/maps/", import.meta.url).pathname;
/** Real files of many programs, where a checkout has them beside it. */
const SHARED = new URL("../../../shared/procmaps/", import.meta.url).pathname;

function line(range: string, rest = "rw-p 00000000 00:00 0 "): string {
  return `${range} ${rest}\n`;
}

function entriesOf(text: string) {
  const { entries, problems } = readMaps(text);
  expect(problems).toEqual([]);
  return entries;
}

/** Names begin in column 73. */
function named(range: string, name: string): string {
  return `${`${range} r-xp 00001000 fe:00 26 `.padEnd(72)} ${name}\n`;
}

describe("real files come back to the byte", () => {
  const folders = [FIXTURES, SHARED].filter((folder) => existsSync(folder));
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".gz"))
      .map((name) => folder + name),
  );

  test("there are some", () => expect(files.length).toBeGreaterThan(6));

  test.each(files)("%s", (path) => {
    const bytes = gunzipSync(readFileSync(path));
    const { entries, problems } = readMaps(bytes, { strict: true });
    expect(problems).toEqual([]);
    expect(Buffer.compare(Buffer.from(mapsBytes(entries)), bytes)).toBe(0);
  });

  test("in pieces of any size, with the same entries", async () => {
    const bytes = gunzipSync(readFileSync(`${FIXTURES}odd.smaps.gz`));
    const { entries } = readMaps(bytes);
    for (const size of [1, 7, 1000]) {
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const got = [];
      for await (const entry of streamMaps(pieces())) got.push(entry);
      expect(got).toEqual(entries);
    }
  });

  test("smaps has the entries of maps, and their fields", () => {
    const read = (name: string) => readMaps(gunzipSync(readFileSync(FIXTURES + name))).entries;
    const plain = read("odd.maps.gz");
    const smaps = read("odd.smaps.gz");
    expect(smaps.map(formatMapsLine)).toEqual(plain.map(formatMapsLine));
    const libc = smaps.find(({ name }) => name.endsWith("libc.so.6"));
    expect(libc?.fields).toMatchObject({ KernelPageSize: 4, THPeligible: "0" });
    expect(libc?.fields?.["VmFlags"]).toBe("rd mr mw me");
  });
});

describe("names", () => {
  test("a name with spaces is whole, and padding is no part of it", () => {
    // B065
    const [entry] = entriesOf(named("1000-2000", "/opt/program with  spaces/lib.so.4"));
    expect(entry?.name).toBe("/opt/program with  spaces/lib.so.4");
  });

  test("a line without a name does not take the next line's", () => {
    // B067
    const text = line("00001000-00002000") + named("00002000-00003000", "/lib/x.so");
    expect(entriesOf(text).map(({ name }) => name)).toEqual(["", "/lib/x.so"]);
    expect(mapsText(entriesOf(text))).toBe(text);
  });

  test("a newline is \\012, a backslash is itself: both readings are kept", () => {
    // B069
    const [entry] = entriesOf(named("00001000-00002000", "/tmp/a\\012b\\c"));
    expect(entry?.name).toBe("/tmp/a\\012b\\c");
    expect(pathOf(entry!)).toEqual({
      path: "/tmp/a\nb\\c",
      deleted: false,
      candidates: ["/tmp/a\nb\\c", "/tmp/a\\012b\\c"],
    });
    expect(nameOfPath("/tmp/a\nb\\c")).toBe("/tmp/a\\012b\\c");
  });

  test("(deleted) may be a mark or part of the name: both readings are kept", () => {
    expect(pathOf({ name: "/tmp/x (deleted)" })).toEqual({
      path: "/tmp/x",
      deleted: true,
      candidates: ["/tmp/x", "/tmp/x (deleted)"],
    });
    expect(nameOfPath("/tmp/x", true)).toBe("/tmp/x (deleted)");
  });

  test("what stands in brackets is no path", () => {
    for (const name of ["", "[heap]", "[anon:a b]", "[vdso]"]) expect(pathOf({ name })).toBeNull();
  });

  test("a name that is no UTF-8 comes back to the byte", () => {
    const bytes = Buffer.from(
      `${named("00001000-00002000", "/tmp/\xe9")}${named("00002000-00003000", "/tmp/x")}`,
      "latin1",
    );
    const { entries } = readMaps(bytes);
    expect(entries.map(({ name }) => name)).toEqual(["/tmp/\udce9", "/tmp/x"]);
    expect(Buffer.from(mapsBytes(entries))).toEqual(bytes);
  });

  test("a name ends with a space if it does", () => {
    expect(entriesOf(named("1000-2000", "/tmp/x "))[0]?.name).toBe("/tmp/x ");
  });

  test("kinds, by name", () => {
    const kinds = {
      "": "anonymous",
      "[heap]": "heap",
      "[stack]": "stack",
      "[stack:12]": "stack",
      "[anon:libc_malloc]": "named anonymous",
      "[anon_shmem:x]": "shared memory",
      "/dev/zero (deleted)": "shared memory",
      "/memfd:x (deleted)": "shared memory",
      "/SYSV00000000 (deleted)": "shared memory",
      "/dev/shm/x": "shared memory",
      "[vvar_vclock]": "kernel",
      "[vsyscall]": "kernel",
      "[uprobes]": "kernel",
      "/lib/x.so": "file",
      "anon_inode:[perf_event]": "file",
    };
    for (const [name, kind] of Object.entries(kinds)) {
      expect([name, kindOf({ ...entriesOf(line("1000-2000"))[0]!, name })]).toEqual([name, kind]);
    }
  });
});

describe("ranges", () => {
  test("an address above 2^53 is a bigint, [vsyscall] comes back", () => {
    const text =
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";
    const entries = entriesOf(text);
    expect(entries[0]).toMatchObject({
      start: 0xffff_ffff_ff60_0000n,
      end: 0xffff_ffff_ff60_1000n,
    });
    expect(sizeOf(entries[0]!)).toBe(4096);
    expect(mapsText(entries)).toBe(text);
    expect(findEntry(entries, 0xffff_ffff_ff60_0fffn)).toBe(entries[0]);
  });

  test("touching ranges are two entries and no overlap", () => {
    // B073
    const text = line("00001000-00002000") + line("00002000-00003000", "r--p 00000000 00:00 0 ");
    expect(entriesOf(text).length).toBe(2);
  });

  test("an overlap is a wrong line", () => {
    // B079: the same text twice is not every mapping twice
    const text = line("00001000-00002000");
    const { entries, problems } = readMaps(text + text);
    expect(entries.length).toBe(1);
    expect(problems).toMatchObject([{ line: 2, expected: "a range from 2000 on" }]);
  });

  test("a range of no length is an entry that holds nothing", () => {
    const text = line("00001000-00001000") + line("00001000-00002000");
    const entries = entriesOf(text);
    expect(entries.length).toBe(2);
    expect(findEntry(entries, 0x1000)).toBe(entries[1]);
    expect(mapsText(entries)).toBe(text);
  });

  test("a lookup at a border answers the range that starts there", () => {
    // B077
    const entries = entriesOf(line("1000-2000") + line("2000-3000") + line("5000-6000"));
    expect(findEntry(entries, 0x2000)).toBe(entries[1]);
    expect(findEntry(entries, 0x1fff)).toBe(entries[0]);
    expect(findEntry(entries, 0x3000)).toBeNull();
    expect(findEntry(entries, 0xfff)).toBeNull();
    expect(findEntry(entries, 0x5fffn)).toBe(entries[2]);
    expect(findEntry(entries, 0x6000)).toBeNull();
  });

  test("no gap between touching ranges", () => {
    // B053
    const entries = entriesOf(line("0-1000", "r--p 00000000 00:00 0 ") + line("1000-2000"));
    expect([...gaps(entries, 0, 0x8000)]).toEqual([{ start: 0x2000, end: 0x8000 }]);
    expect([...gaps(entries)]).toEqual([]);
  });

  test("gaps end below the kernel's half", () => {
    const vsyscall = line("ffffffffff600000-ffffffffff601000", "--xp 00000000 00:00 0 ");
    const entries = entriesOf(line("1000-2000") + line("4000-5000") + vsyscall);
    expect([...gaps(entries)]).toEqual([{ start: 0x2000, end: 0x4000 }]);
  });

  test("65,530 lines in less than a second", () => {
    // B075
    let text = "";
    for (let n = 0; n < 65530; n++) {
      const start = 0x7f0000000000 + n * 8192;
      text += line(`${start.toString(16)}-${(start + 4096).toString(16)}`);
    }
    const started = performance.now();
    const { entries } = readMaps(text, { strict: true });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(entries.length).toBe(65530);
    expect(mapsText(entries)).toBe(text);
  });
});

describe("layout", () => {
  test("a 32-bit kernel's padding comes back", () => {
    const text = `${"08048000-08050000 r-xp 00000000 08:01 1234 ".padEnd(48)} /bin/cat\n`;
    const entries = entriesOf(text);
    expect(entries[0]?.name).toBe("/bin/cat");
    expect(mapsText(entries)).toBe(text);
  });

  test("a fixed part beyond the name's column", () => {
    const inode = "18446744073709551615";
    const text = `7f0000000000-7f0000001000 r--s 7ffffffffffff000 103:100005 ${inode}  /x\n`;
    const entries = entriesOf(text);
    expect(entries[0]).toMatchObject({ inode: BigInt(inode), major: 0x103, minor: 0x100005 });
    expect(mapsText(entries)).toBe(text);
  });

  test("a line without its last space, and a file without its last newline", () => {
    const [first, second] = entriesOf("1000-2000 rw-p 00000000 00:00 0\n2000-3000 r--p 0 00:00 0");
    expect([first?.name, second?.start]).toEqual(["", 0x2000]);
  });

  test("carriage returns of a file that passed through Windows", () => {
    const text = named("00001000-00002000", "/lib/x") + line("00002000-00003000");
    expect(entriesOf(text.replaceAll("\n", "\r\n"))).toEqual(entriesOf(text));
    // Where only one line has it, it belongs to a name.
    const odd = line("00001000-00002000") + named("00002000-00003000", "/lib/x\r");
    expect(entriesOf(odd)[1]?.name).toBe("/lib/x\r");
  });

  test("smaps of Android: the name is a field of its own", () => {
    const fields =
      "Name:           [anon:libc_malloc]\nSize:                  4 kB\nVmFlags: rd wr \n";
    const text = line("00001000-00002000") + fields;
    const entries = entriesOf(text);
    expect(entries[0]?.fields).toEqual({ Name: "[anon:libc_malloc]", Size: 4, VmFlags: "rd wr" });
    expect(mapsText(entries)).toBe(text);
  });

  test("a field that this version does not know comes back", () => {
    const text = `${line("00001000-00002000")}Future:               12 kB\nFlavour:               3\n`;
    expect(mapsText(entriesOf(text))).toBe(text);
  });

  test("smaps_rollup", () => {
    const head = `${"00400000-7ffffffff000 ---p 00000000 00:00 0 ".padEnd(72)} [rollup]\n`;
    const text = `${head}Rss:                1912 kB\n`;
    expect(mapsText(entriesOf(text))).toBe(text);
  });
});

describe("wrong lines", () => {
  const good = line("00001000-00002000");

  test.each([
    ["words", "hello world", "a line of maps or smaps"],
    ["no permissions", "1000-2000 rw 00000000 00:00 0 ", "a line of maps or smaps"],
    ["no hexadecimal", "1000-20g0 rw-p 00000000 00:00 0 ", "a line of maps or smaps"],
    ["more than 64 bits", `1000-${"f".repeat(17)} rw-p 0 00:00 0 `, "a line of maps or smaps"],
    ["end before start", "9000-8000 rw-p 00000000 00:00 0 ", "a range that ends after its start"],
    ["a field that is no number", "Size: many kB", "a line of smaps"],
  ])("%s: reported with number and text, the rest is read", (_, text, expected) => {
    const { entries, problems } = readMaps(`${good}${text}\n${line("0000a000-0000b000")}`);
    expect(entries.length).toBe(2);
    expect(problems).toEqual([{ line: 2, expected, text: JSON.stringify(text) }]);
  });

  test("strict stops at the first", () => {
    const read = () => readMaps(`${good}oops\nagain\n`, { strict: true, file: "FILE" });
    expect(read).toThrow(InputError);
    expect(read).toThrow('FILE:2: expected a line of maps or smaps, got "oops"');
  });

  test("the fields of a wrong line go with it, and are told of once", () => {
    const { entries, problems } = readMaps(`oops\nSize:  4 kB\nRss:  4 kB\n${good}`);
    expect([entries.length, entries[0]?.fields, problems.length]).toEqual([1, undefined, 1]);
  });

  test("binary data", () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, n) => (n * 7919) & 0xff);
    const { entries, problems } = readMaps(bytes);
    expect(entries.length).toBe(0);
    expect(problems.length).toBeGreaterThan(0);
  });

  test("nothing", () => expect(readMaps("")).toEqual({ entries: [], problems: [] }));
});

describe("sums and differences", () => {
  const before = entriesOf(
    line("1000-3000") + line("4000-5000", "r--p 00000000 00:00 0 ") + named("8000-9000", "/lib/x"),
  );
  const after = entriesOf(
    line("1000-4000") + line("6000-7000", "r--p 00000000 00:00 0 ") + named("8000-9000", "/lib/x"),
  );

  test("totals by kind, path and permission", () => {
    expect([...totals(before, "kind")]).toEqual([
      ["anonymous", { count: 2, bytes: 0x3000, fields: {} }],
      ["file", { count: 1, bytes: 0x1000, fields: {} }],
    ]);
    expect([...totals(before, "path").keys()]).toEqual(["", "/lib/x"]);
    expect([...totals(before, "perms").keys()]).toEqual(["rw-p", "r--p", "r-xp"]);
  });

  test("totals of smaps sum its fields", () => {
    const smaps = entriesOf(`${line("1000-2000")}Rss: 4 kB\n${line("2000-3000")}Rss: 8 kB\n`);
    expect(totals(smaps, "kind").get("anonymous")?.fields).toEqual({ Rss: 12 });
  });

  test("removed, added, changed", () => {
    expect(diffMaps(before, after)).toEqual({
      removed: [before[1]],
      added: [after[1]],
      changed: [[before[0], after[0]]],
    });
    expect(diffMaps(before, before)).toEqual({ removed: [], added: [], changed: [] });
  });

  test("where in the file an address lies", () => {
    expect(fileOffset(before[2]!, 0x8123)).toBe(0x1123);
  });
});

test("a parser tells the line it is at", () => {
  const parser = new MapsParser();
  expect(parser.push(line("1000-2000"))).toEqual([]);
  expect(parser.line).toBe(1);
  expect(parser.end().length).toBe(1);
});

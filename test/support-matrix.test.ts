// The section "What is supported" of README.md is what the core accepts, and Linux too.
//
// Every call is made with every flag by itself, on four kinds of mapping, each in a fresh
// space. The answers must be those of Linux (test/support/matrix-linux.json), and the table
// in the README must be the one made of them: UPDATE_README=1 writes it.

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Abi } from "../assembly/shared/abi.js";
import { Engine, type FileRef, MapFlags, MmError, type MmWithUser, Prot } from "../src/index.js";
import { KINDS, lineOf, Mode, ROWS, type Row } from "./support/matrix.js";
import {
  duplicateLines,
  errnoName,
  goldenFinder,
  hasRecordings,
  proofKey,
  recordedProfiles,
} from "./support/matrix-proof.js";

const PAGE = 4096;
const BASE = 0x10000000;
const LENGTH = 4 * PAGE;
const BEGIN = "<!-- support matrix -->";
const END = "<!-- /support matrix -->";
const README = new URL("../README.md", import.meta.url);
const RECORDED = new URL("support/matrix-recorded.json", import.meta.url);
const LINUX = new URL("support/matrix-linux.json", import.meta.url);
const UPDATE = process.env.UPDATE_README === "1";

/** Where the engine does not answer as the kernel that was asked, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "madvise HWPOISON": "with CONFIG_MEMORY_FAILURE, which the kernel asked lacks (EINVAL)",
  "madvise SOFT_OFFLINE": "with CONFIG_MEMORY_FAILURE, which the kernel asked lacks (EINVAL)",
};

const linux = JSON.parse(readFileSync(LINUX, "utf8")) as { answers: Record<string, number[]> };

let engine: Engine;
let answers: Map<Row, readonly number[]>;
beforeAll(async () => {
  engine = await Engine.create();
  answers = new Map(ROWS.map((row) => [row, KINDS.map((_, kind) => ask(row, kind))]));
});
afterAll(() => engine.dispose());

/** 0 or the errno of the row's call on a mapping of this kind. */
function ask(row: Row, kind: number): number {
  using mm = engine.createMm({ capIpcLock: true, vmaNames: row.vmaNames ?? true });
  // As on ext4, where the questions were asked.
  using file = engine.openFile({ name: "/file", size: 16 * PAGE, syncRefused: true });
  try {
    const result = call(mm, file, row, kind);
    return typeof result === "number" && result < 0 ? -result : 0;
  } catch (error) {
    if (error instanceof MmError) return error.errno;
    throw error;
  }
}

function map(mm: MmWithUser, file: FileRef, kind: number, address: number, row: Partial<Row>) {
  const type = row.type ?? (kind % 2 === 0 ? MapFlags.PRIVATE : MapFlags.SHARED);
  const mode = row.mode ?? 0;
  const prot = mode >= Mode.PROT ? mode - Mode.PROT : Prot.READ | Prot.WRITE;
  const flags = (row.word ?? 0) | type | (kind < 2 ? MapFlags.ANONYMOUS : 0);
  const handle = kind < 2 ? Abi.NO_FILE : file.asRaw();
  return engine.raw.mmap(mm.asRaw(), address, LENGTH, prot, flags, handle, 0);
}

function call(mm: MmWithUser, file: FileRef, row: Row, kind: number): unknown {
  const { word, mode = Mode.PLAIN } = row;
  if (row.call === "mmap") {
    const placed = (word & (MapFlags.FIXED | MapFlags.FIXED_NOREPLACE)) !== 0;
    if (mode === Mode.TAKEN) map(mm, file, 0, BASE, { word: MapFlags.FIXED });
    return map(mm, file, kind, placed ? BASE : 0, row);
  }
  expect(map(mm, file, kind, BASE, { word: MapFlags.FIXED })).toBe(BASE);
  const { raw } = engine;
  const pointer = mm.asRaw();
  switch (row.call) {
    case "munmap":
      return raw.munmap(pointer, BASE, LENGTH);
    case "mprotect":
      return raw.mprotect(pointer, BASE, LENGTH, word);
    case "mremap": {
      const old = mode === Mode.DUPLICATE ? 0 : LENGTH;
      const size = mode === Mode.GROW ? 2 * LENGTH : LENGTH;
      return raw.mremap(pointer, BASE, old, size, word, mode === Mode.MOVE_TO ? BASE * 2 : 0);
    }
    case "brk":
      return raw.brk(pointer, 0);
    case "madvise":
      return raw.madvise(pointer, BASE, LENGTH, word);
    case "mlock":
    case "mlock2":
      return raw.mlock(pointer, BASE, LENGTH, word);
    case "munlock":
      return raw.munlock(pointer, BASE, LENGTH);
    case "mlockall":
      return raw.mlockall(pointer, word);
    case "munlockall":
      return raw.munlockall(pointer);
    case "msync":
      return raw.msync(pointer, BASE, LENGTH, word);
    case "mincore":
      return raw.mincore(pointer, BASE, LENGTH);
    case "mseal":
      return raw.mseal(pointer, BASE, LENGTH, word);
    case "PR_SET_VMA_ANON_NAME":
      return mm.setVmaName(BASE, LENGTH, "n");
    case "remap_file_pages":
      return raw.remapFilePages(pointer, BASE, PAGE, word, 1, 0);
    case "fork":
      return mm.fork().dispose();
    default:
      throw new Error(`no such call: ${row.call}`);
  }
}

const nameOf = (row: Row) => `${row.call} ${row.flag}`;
const kindsOf = (row: Row) => row.kinds ?? KINDS.map((_, kind) => kind);
const answerOf = (row: Row, kind: number) => answers.get(row)?.[kind] as number;

/** What could need a proof: each different answer of each row once, with every kind that has it. */
function questions(): [row: Row, kind: number, answer: number][] {
  return ROWS.flatMap((row) =>
    kindsOf(row).map((kind): [Row, number, number] => [row, kind, answerOf(row, kind)]),
  );
}

/** The table, from the answers of the engine. */
function table(recorded: Readonly<Record<string, string>>): string {
  const golden = goldenFinder();
  const rows = [["call", "with", ...KINDS, "shown by"]];
  for (const row of ROWS) {
    const cells = KINDS.map((_, kind) =>
      kindsOf(row).includes(kind) ? cellOf(answerOf(row, kind)) : "",
    );
    const shown = [...new Set(kindsOf(row).map((kind) => answerOf(row, kind)))].map((answer) =>
      proofOf(row, answer, golden, recorded),
    );
    const flag = row.flag === "" ? "" : `\`${row.flag}\``;
    rows.push([`\`${row.call}\``, flag, ...cells, [...new Set(shown)].join(", ")]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  rows.splice(
    1,
    0,
    widths.map((width) => "-".repeat(width)),
  );
  return rows.map(line).join("\n");
}

function cellOf(answer: number): string {
  return answer === 0 ? "yes" : errnoName(answer);
}

/** A golden case, else a recording, else the direct question to Linux. */
function proofOf(
  row: Row,
  answer: number,
  golden: ReturnType<typeof goldenFinder>,
  recorded: Readonly<Record<string, string>>,
): string {
  const known = DIFFERENT[nameOf(row)];
  if (known !== undefined) return known;
  const kinds = kindsOf(row).filter((kind) => answerOf(row, kind) === answer);
  for (const kind of kinds) {
    const name = golden(row, kind, answer);
    if (name !== null) return `case \`${name}\``;
  }
  for (const kind of kinds) {
    const profiles = recorded[proofKey(row, kind, answer)];
    if (profiles !== undefined) return `recording \`${profiles.split(" ")[0]}\``;
  }
  return asksLinux(row) ? "asked" : "rule R-NAME";
}

/** The recording kernel is built without names: what naming does is from the rules alone. */
function asksLinux(row: Row): boolean {
  return row.call !== "PR_SET_VMA_ANON_NAME" || row.vmaNames === false;
}

const INTRO = `Every call with every flag by itself, as the engine answers, on a mapping of each kind; a test makes this table from
the code and compares it with Linux 6.18.44. \`shown by\` names a golden case (\`fixtures/golden-cases.json.gz\`), a profile
of recordings that has this very call with this answer, or says that Linux was \`asked\` the same question directly
(\`test/support/matrix-linux.c\`). What each call does is in [docs/semantics.md](docs/semantics.md).`;

describe("support matrix", () => {
  test("each row asks something of its own", () => {
    expect(duplicateLines()).toEqual([]);
  });

  test("the engine answers as Linux", () => {
    const differences = ROWS.filter(asksLinux).flatMap((row) =>
      kindsOf(row).flatMap((kind) => {
        const [ours, theirs] = [answerOf(row, kind), linux.answers[lineOf(row)]?.[kind] ?? -1];
        return ours === theirs ? [] : [{ row, text: `${KINDS[kind]}: ${ours}, Linux ${theirs}` }];
      }),
    );
    const unknown = differences.filter(({ row }) => DIFFERENT[nameOf(row)] === undefined);
    expect(unknown.map(({ row, text }) => `${nameOf(row)}, ${text}`)).toEqual([]);
    // What is in the list and does not differ any more must leave it.
    const names = [...new Set(differences.map(({ row }) => nameOf(row)))];
    expect(names.sort()).toEqual(Object.keys(DIFFERENT).sort());
  });

  test.skipIf(!hasRecordings)("the list of recorded answers is that of the recordings", () => {
    const found = recordedProfiles(questions());
    if (UPDATE) writeFileSync(RECORDED, `${JSON.stringify(found, null, 2)}\n`);
    expect(found).toEqual(JSON.parse(readFileSync(RECORDED, "utf8")));
  });

  test("README.md has the table", () => {
    const recorded = JSON.parse(readFileSync(RECORDED, "utf8")) as Record<string, string>;
    const text = readFileSync(README, "utf8");
    const [before = "", rest] = text.split(BEGIN);
    const [now, after = ""] = (rest ?? "").split(END);
    const wanted = `\n\n${INTRO}\n\n${table(recorded)}\n\n`;
    if (UPDATE) writeFileSync(README, `${before}${BEGIN}${wanted}${END}${after}`);
    else expect(now, `README.md, between the markers, should be:\n${wanted}`).toBe(wanted);
  });
});

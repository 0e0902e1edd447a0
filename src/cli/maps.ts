// `vmaple maps`: /proc/PID/maps and smaps as tables, and questions to them.

import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import {
  diffMaps,
  findEntry,
  formatMapsLine,
  gaps,
  kindOf,
  type MapsEntry,
  type MapsFile,
  type MapsTotal,
  readMaps,
  sizeOf,
  totals,
} from "../formats/maps.js";
import { whatIsAt } from "../formats/maps-at.js";
import { InputError } from "../formats/ndjson.js";
import { mapsProfile } from "../formats/pprof.js";
import { sniff } from "../formats/sniff.js";
import { readText } from "../replay/input.js";
import { type Colour, type Paint, paintFor } from "./colour.js";
import { type Command, parseCommandLine, UsageError } from "./command.js";
import { problemText, refused } from "./problems.js";
import { amount } from "./svg.js";
import { packageVersion } from "./version.js";

const HELP = `vmaple maps: reads /proc/PID/maps or smaps.

Usage: vmaple maps [options] FILE

FILE may be gzip; - is the standard input. Prints a table and totals by kind.

Options:
  --at ADDR     what is mapped at ADDR, in one line; may be given more than once.
                ADDR is decimal, or hexadecimal: 0x7f12, or with a letter in it 7f12c000
  --gaps        what is free between the first line and the last
  --diff FILE2  what FILE2 has otherwise; exit status 1 if anything
  --by WHAT     totals by kind (default), path or perms
  --pprof OUT   writes a profile for pprof (gzip): the mappings, and their bytes by name
  --strict      stops at the first line that cannot be read
  --json        one JSON document instead of text; addresses above 2^53 as strings
  --help        this text
  --version     the version of the package

Exit status: 0 all is well, 1 a difference was found, 2 bad usage or unreadable input.

Examples:
  vmaple maps /proc/self/maps
  cat /proc/1/smaps | vmaple maps --by path -
  vmaple maps --at 0x7ffff7fc2123 --at 94000123 program.maps
  vmaple maps before.maps --diff after.maps
  vmaple maps /proc/self/smaps --pprof maps.pb.gz && pprof -top maps.pb.gz
`;

export const mapsCommand: Command = {
  name: "maps",
  summary: "read /proc/PID/maps and smaps: a table, totals, gaps, differences",
  run,
};

const OPTIONS = {
  at: { type: "string", multiple: true },
  gaps: { type: "boolean" },
  diff: { type: "string" },
  by: { type: "string", default: "kind" },
  pprof: { type: "string" },
  strict: { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** What is not for this command, by {@link sniff}'s word. */
const NAMES: Readonly<Record<string, string>> = {
  strace: "a strace log",
  perf: "events of perf script",
  recording: "a recording",
  trace: "a trace",
};

/** What one invocation answers: for people, and for programs. */
interface Answer {
  readonly text: string;
  readonly data: unknown;
  readonly isDifferent?: boolean;
}

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(argv, OPTIONS, "maps");
  if (values.help || values.version) {
    process.stdout.write(values.help ? HELP : `${packageVersion()}\n`);
    return 0;
  }
  const [file, ...rest] = positionals;
  if (file === undefined) throw new UsageError("a FILE is missing", "maps");
  if (rest.length > 0) throw new UsageError(`one FILE only, not also "${rest[0]}"`, "maps");
  const { by } = values;
  if (by !== "kind" && by !== "path" && by !== "perms") {
    throw new UsageError(`--by must be kind, path or perms, not "${by}"`, "maps");
  }
  const questions = ["at", "gaps", "diff", "pprof"] as const;
  const [first, second] = questions.filter((name) => values[name] !== undefined);
  if (second !== undefined) {
    throw new UsageError(`--${first} and --${second} are two questions: ask one`, "maps");
  }
  const addresses = (values.at ?? []).map((text) => ({ text, address: addressOf(text) }));
  const paint = paintFor(process.stdout);
  let problems = 0;
  const read = async (path: string): Promise<MapsFile> => {
    const map = await readFile(path, values.strict === true);
    process.stderr.write(problemText(path, map.problems));
    problems += map.problems.length;
    return map;
  };
  try {
    const { entries } = await read(file);
    let answer: Answer;
    if (addresses.length > 0) answer = at(entries, addresses);
    else if (values.pprof !== undefined) answer = await profile(entries, values.pprof);
    else if (values.gaps) answer = gapsOf(entries);
    else if (values.diff !== undefined) {
      answer = difference(entries, (await read(values.diff)).entries, paint);
    } else answer = table(entries, by, paint);
    process.stdout.write(values.json ? jsonText(file, answer) : answer.text);
    if (problems > 0) return 2;
    return answer.isDifferent === true ? 1 : 0;
  } catch (error) {
    return refused(error);
  }
}

async function readFile(path: string, strict: boolean): Promise<MapsFile> {
  const what = "lines of maps or smaps";
  const bytes = await readText(path, what);
  const kind = sniff(bytes);
  if (kind !== null && !kind.endsWith("maps")) {
    throw new InputError(path, 1, what, `${NAMES[kind]}, which vmaple replay reads`);
  }
  const map = readMaps(bytes, { file: path, strict });
  const [first] = map.problems;
  if (map.entries.length > 0) return map;
  throw new InputError(path, first?.line ?? 1, what, first?.text ?? "empty lines");
}

/** Digits are decimal; a prefix or a letter makes them hexadecimal. */
function addressOf(text: string): bigint {
  const isHex = /^0x[\da-f]{1,16}$/i.test(text);
  const isBare = /^[\da-f]{1,16}$/i.test(text) && /[a-f]/i.test(text);
  if (!isHex && !isBare && !/^\d{1,20}$/.test(text)) {
    throw new UsageError(
      `--at must be an address like 0x7f12c000 or 4198400, not "${text}"`,
      "maps",
    );
  }
  const value = BigInt(isBare ? `0x${text}` : text);
  if (value < 2n ** 64n) return value;
  throw new UsageError(`--at must be below 2^64, not ${text}`, "maps");
}

function jsonText(file: string, { data }: Answer): string {
  const plain = (_: string, value: unknown) =>
    typeof value === "bigint" ? `0x${value.toString(16)}` : value;
  return `${JSON.stringify({ file, ...(data as object) }, plain, 2)}\n`;
}

const KIND_COLOURS: Readonly<Record<ReturnType<typeof kindOf>, Colour>> = {
  anonymous: "dim",
  "named anonymous": "dim",
  heap: "yellow",
  stack: "yellow",
  file: "blue",
  "shared memory": "green",
  kernel: "dim",
};

function table(entries: readonly MapsEntry[], by: "kind" | "path" | "perms", paint: Paint): Answer {
  const rows = entries.map((entry) => {
    const size = amount(sizeOf(entry), "bytes").padStart(10);
    const rss = entry.fields === undefined ? "" : kilobytes(entry.fields["Rss"]).padStart(10);
    const line = paint(KIND_COLOURS[kindOf(entry)], formatMapsLine(entry).trimEnd());
    return `${size}${rss}  ${line}\n`;
  });
  const isSmaps = entries.some((entry) => entry.fields !== undefined);
  const head = `${"size".padStart(10)}${isSmaps ? "rss".padStart(10) : ""}  line\n`;
  const sums = [...totals(entries, by)].sort(([, a], [, b]) => b.bytes - a.bytes);
  const all: MapsTotal = { count: 0, bytes: 0, fields: {} };
  for (const [, { count, bytes, fields }] of sums) {
    all.count += count;
    all.bytes += bytes;
    for (const [label, kB] of Object.entries(fields)) {
      all.fields[label] = (all.fields[label] ?? 0) + kB;
    }
  }
  const text = [
    head,
    ...rows,
    `\n${paint("bold", `totals by ${by}`)}\n`,
    ...sums.map(([key, sum]) => totalLine(key === "" ? "(no name)" : key, sum)),
    totalLine("all", all),
  ].join("");
  const data = {
    entries: entries.map((entry) => ({ ...entry, kind: kindOf(entry), size: sizeOf(entry) })),
    totals: Object.fromEntries(sums),
    all,
  };
  return { text, data };
}

function kilobytes(kB: number | string | undefined): string {
  return typeof kB === "number" ? amount(kB * 1024, "bytes") : "";
}

function totalLine(name: string, { count, bytes, fields }: MapsTotal): string {
  const resident = ["Rss", "Pss", "Swap"]
    .filter((label) => fields[label] !== undefined)
    .map((label) => `  ${label} ${kilobytes(fields[label])}`);
  const lines = `${count} line${count === 1 ? "" : "s"}`;
  return `${amount(bytes, "bytes").padStart(10)}  ${lines.padEnd(12)}  ${name}${resident.join("")}\n`;
}

function at(
  entries: readonly MapsEntry[],
  addresses: ReadonlyArray<{ readonly text: string; readonly address: bigint }>,
): Answer {
  const answers = addresses.map(({ text, address }) => {
    const answer = whatIsAt(entries, address);
    if (answer.data.entry !== null) return answer;
    // maps itself writes hexadecimal without a prefix.
    const isMeant = /^\d{1,16}$/.test(text) && findEntry(entries, BigInt(`0x${text}`)) !== null;
    return isMeant ? { ...answer, text: `${answer.text} (0x${text} is mapped)` } : answer;
  });
  return {
    text: answers.map(({ text }) => `${text}\n`).join(""),
    data: { at: answers.map(({ data }) => data) },
  };
}

/** Writes the profile; says so. */
async function profile(entries: readonly MapsEntry[], path: string): Promise<Answer> {
  const bytes = gzipSync(mapsProfile(entries));
  await writeFile(path, bytes);
  const data = { profile: path, mappings: entries.length, bytes: bytes.length };
  return { text: `${path}: ${entries.length} mappings, ${bytes.length} bytes\n`, data };
}

function gapsOf(entries: readonly MapsEntry[]): Answer {
  const free = [...gaps(entries)].map((gap) => ({ ...gap, size: sizeOf(gap) }));
  const lines = free.map(
    ({ start, end, size }) =>
      `${amount(size, "bytes").padStart(10)}  ${start.toString(16)}-${end.toString(16)}\n`,
  );
  const total = free.reduce((sum, { size }) => sum + size, 0);
  const count = `${free.length} gap${free.length === 1 ? "" : "s"}`;
  return {
    text: `${lines.join("")}${amount(total, "bytes").padStart(10)}  ${count}\n`,
    data: { gaps: free, size: total },
  };
}

function difference(
  before: readonly MapsEntry[],
  after: readonly MapsEntry[],
  paint: Paint,
): Answer {
  const diff = diffMaps(before, after);
  const { removed, added, changed } = diff;
  const lines = [
    ...removed.map((entry) => ({ entry, sign: "-" })),
    ...added.map((entry) => ({ entry, sign: "+" })),
    ...changed.flatMap(([from, to]) => [
      { entry: from, sign: "-" },
      { entry: to, sign: "+" },
    ]),
  ];
  lines.sort((a, b) =>
    a.entry.start < b.entry.start ? -1 : a.entry.start > b.entry.start ? 1 : 0,
  );
  const text = lines.map(({ entry, sign }) =>
    paint(sign === "-" ? "red" : "green", `${sign}${formatMapsLine(entry).trimEnd()}`),
  );
  const bytes = (list: readonly MapsEntry[]) => list.reduce((sum, entry) => sum + sizeOf(entry), 0);
  const grown = bytes(after) - bytes(before);
  text.push(
    `${removed.length} removed, ${added.length} added, ${changed.length} changed; ` +
      `${grown < 0 ? "-" : "+"}${amount(Math.abs(grown), "bytes")}`,
  );
  return { text: `${text.join("\n")}\n`, data: diff, isDifferent: lines.length > 0 };
}

// `vmaple replay`: recordings and traces against the engine.

import { writeFile } from "node:fs/promises";
import { Engine } from "../engine.js";
import { readMaps } from "../formats/maps.js";
import { InputError } from "../formats/ndjson.js";
import { readRecording } from "../formats/recording.js";
import { coreOf } from "../replay/engine-core.js";
import { FaultCrew } from "../replay/fault-crew.js";
import type { FaultCounts, FaultTargets } from "../replay/fault-worker.js";
import { readInput, readText } from "../replay/input.js";
import { recordKind, replayFile } from "../replay/replay-file.js";
import { type ReplayReport, reportText } from "../replay/report.js";
import type { StraceMaps } from "../replay/strace.js";
import { PAGE } from "../replay/surroundings.js";
import { paintFor } from "./colour.js";
import { type Command, parseCommandLine, UsageError, wholeNumber } from "./command.js";
import { problemText, refused } from "./problems.js";
import { ProgressLine } from "./progress.js";
import { Samples } from "./samples.js";
import { packageVersion } from "./version.js";

const MEMORY_BYTES = 256 * 1024 * 1024;
const MAX_FAULT_WORKERS = 32;

const HELP = `vmaple replay: makes the memory calls of recordings and traces, compares the outcome.

Usage: vmaple replay [options] FILE...

FILE is a recording of a real kernel or the trace of a program, .ndjson or .ndjson.gz; or
the log of strace, or of perf script --show-mmap-events. - is the standard input.
Of a recording every result and every recorded map is compared; of a trace every result,
and each recorded map page by page; of a log every result, and the map that is expected
at the end. Prints the first difference of a file, and one line of totals a file.

A log does not tell the map right after execve. It is taken from --initial-maps; else what
calls touch first is adopted, and counted as such.

Options:
  --initial-maps F  logs: /proc/PID/maps right after the first execve, or where the log begins
  --expect-maps F   logs: /proc/PID/maps at the end of the first process
  --chart FILE.svg  draws VMAs, mapped bytes and faults over the operations
  --workers N       N fault workers (0 to ${MAX_FAULT_WORKERS}) look up random pages meanwhile; default 0
  --strict          stops at the first line of a log that cannot be read
  --json            one JSON document instead of text
  --help            this text
  --version         the version of the package

Exit status: 0 no difference, 1 a difference was found, 2 bad usage or unreadable input.

Examples:
  vmaple replay program.strace
  strace -f -y -o ls.strace ls; vmaple replay --chart ls.svg ls.strace
  vmaple replay --initial-maps start.maps --expect-maps end.maps program.strace
  vmaple replay --workers 2 --json recording.ndjson.gz trace.ndjson.gz
`;

export const replayCommand: Command = {
  name: "replay",
  summary: "replay recordings of a real kernel and traces of programs, and compare",
  run,
};

/** What --json prints of a file. */
interface FileResult extends ReplayReport {
  readonly seconds: number;
  readonly faultWorkers: readonly FaultCounts[];
}

const OPTIONS = {
  "initial-maps": { type: "string" },
  "expect-maps": { type: "string" },
  chart: { type: "string" },
  workers: { type: "string", default: "0" },
  strict: { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** What holds for every file. */
interface Session {
  readonly engine: Engine;
  readonly crew: FaultCrew | null;
  readonly samples: Samples | null;
  readonly maps: StraceMaps;
  readonly json: boolean;
}

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(argv, OPTIONS, "replay");
  if (values.help || values.version) {
    process.stdout.write(values.help ? HELP : `${packageVersion()}\n`);
    return 0;
  }
  const range = { option: "--workers", least: 0, most: MAX_FAULT_WORKERS };
  const workers = wholeNumber(values.workers, range, "replay");
  if (positionals.length === 0) throw new UsageError("a FILE is missing", "replay");
  if (values.chart !== undefined && positionals.length > 1) {
    throw new UsageError("--chart draws one FILE", "replay");
  }
  let maps: StraceMaps;
  try {
    maps = await givenMaps(values);
  } catch (error) {
    return refused(error);
  }
  using engine = await Engine.create({ memoryBytes: MEMORY_BYTES, maxWorkers: workers + 1 });
  const crew = workers === 0 ? null : await FaultCrew.start(engine, workers);
  const samples = values.chart === undefined ? null : new Samples(coreOf(engine), workers);
  const session = { engine, crew, samples, maps, json: values.json === true };
  try {
    const status = await replayAll(session, positionals);
    if (samples !== null) await writeFile(values.chart!, samples.svg(positionals[0]!));
    return status;
  } catch (error) {
    return refused(error);
  } finally {
    await crew?.end();
  }
}

async function givenMaps(values: {
  "initial-maps"?: string | undefined;
  "expect-maps"?: string | undefined;
  strict?: boolean | undefined;
}): Promise<StraceMaps> {
  const read = async (path: string) =>
    readMaps(await readText(path, "lines of maps"), { file: path, strict: true }).entries;
  const { "initial-maps": initial, "expect-maps": expected, strict = false } = values;
  return {
    strict,
    ...(initial === undefined ? {} : { initial: await read(initial) }),
    ...(expected === undefined ? {} : { expected: await read(expected) }),
  };
}

async function replayAll(session: Session, files: readonly string[]): Promise<number> {
  const results: FileResult[] = [];
  const errors: InputError[] = [];
  let unread = 0;
  for (const file of files) {
    try {
      const result = await replayOne(session, file);
      const { problems = [] } = result;
      results.push(result);
      unread += problems.length;
      process.stderr.write(problemText(file, problems));
      if (!session.json) process.stdout.write(coloured(reportText(result)) + faultText(result));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      errors.push(error);
      process.stderr.write(`${error.message}\n`);
    }
  }
  const differences = results.reduce((sum, result) => sum + result.differences, 0);
  if (session.json) {
    const rows = errors.map(({ file, line, expected, got }) => ({ file, line, expected, got }));
    const document = { files: results, errors: rows, differences };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  if (errors.length !== 0 || unread !== 0) return 2;
  return differences === 0 ? 0 : 1;
}

function coloured(report: string): string {
  const paint = paintFor(process.stdout);
  const lines = report.split("\n").map((line) => {
    if (/^ {2}(expected|map -)/.test(line)) return paint("green", line);
    return /^ {2}(got|map \+)/.test(line) ? paint("red", line) : line;
  });
  return `${lines.join("\n")}\n`;
}

async function replayOne(session: Session, file: string): Promise<FileResult> {
  const { engine, crew, samples, maps } = session;
  const bytes = await readInput(file);
  const kind = recordKind(bytes, file);
  if (kind !== "strace" && (maps.initial ?? maps.expected) !== undefined) {
    throw new InputError(file, 1, "a log, for --initial-maps and --expect-maps", `a ${kind}`);
  }
  await crew?.run(targetsOf(bytes, file));
  const progress = new ProgressLine(file);
  const started = performance.now();
  let faultWorkers: readonly FaultCounts[] = [];
  let report: ReplayReport;
  const hooks = {
    onSpace(mm: number) {
      if (crew !== null) crew.mm = mm;
    },
    onProgress: (done: number, share: number) => progress.showShare(done, "operations", share),
    ...(samples === null ? {} : { onOperation: (mm: number) => samples.take(mm) }),
  };
  try {
    report = replayFile(coreOf(engine), bytes, file, hooks, maps);
  } finally {
    progress.clear();
    if (crew !== null) {
      crew.mm = 0;
      faultWorkers = await crew.stop();
    }
  }
  return { ...report, seconds: (performance.now() - started) / 1000, faultWorkers };
}

/** Reads only: a write would leave its mark in what merges, and so in what is compared. */
function targetsOf(bytes: Uint8Array, file: string): FaultTargets {
  if (recordKind(bytes, file) !== "recording") return { mode: "fault", writeEvery: 0 };
  const { base, window } = readRecording(bytes, file).header;
  return { mode: "look", start: base, end: base + window * PAGE };
}

function faultText({ faultWorkers }: FileResult): string {
  return faultWorkers
    .map((counts, n) => {
      const { faults, perVmaLock, mmapLock, retries } = counts;
      return (
        `  fault worker ${n + 1}: ${faults} faults, ${perVmaLock} by per-VMA locks, ` +
        `${mmapLock} fell back to the mmap lock, ${retries} retries\n`
      );
    })
    .join("");
}

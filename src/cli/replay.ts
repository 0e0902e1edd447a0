// `vmaple replay`: recordings and traces against the engine.

import { Engine } from "../engine.js";
import { InputError } from "../formats/ndjson.js";
import { readRecording } from "../formats/recording.js";
import { coreOf } from "../replay/engine-core.js";
import { FaultCrew } from "../replay/fault-crew.js";
import type { FaultCounts, FaultTargets } from "../replay/fault-worker.js";
import { readInput } from "../replay/input.js";
import { recordKind, replayFile } from "../replay/replay-file.js";
import { type ReplayReport, reportText } from "../replay/report.js";
import { PAGE } from "../replay/surroundings.js";
import { type Command, parseCommandLine, UsageError, wholeNumber } from "./command.js";
import { ProgressLine } from "./progress.js";
import { packageVersion } from "./version.js";

const MEMORY_BYTES = 256 * 1024 * 1024;
const MAX_FAULT_WORKERS = 32;

const HELP = `vmaple replay: makes the memory calls of recordings and traces, compares the outcome.

Usage: vmaple replay [options] FILE...

FILE is a recording of a real kernel or the trace of a program, .ndjson or .ndjson.gz.
Of a recording every result and every recorded map is compared; of a trace every result,
and each recorded map page by page. Prints the first difference of a file, and one line
of totals a file.

Options:
  --workers N  N fault workers (0 to ${MAX_FAULT_WORKERS}) look up random pages meanwhile; default 0
  --json       one JSON document instead of text
  --help       this text
  --version    the version of the package

Exit status: 0 no difference, 1 a difference was found, 2 bad usage or unreadable input.

Examples:
  vmaple replay fixtures/recordings/*.ndjson.gz
  vmaple replay --workers 2 --json fixtures/traces/python-stdlib.ndjson.gz
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

async function run(argv: readonly string[]): Promise<number> {
  const options = { workers: { type: "string", default: "0" }, json: { type: "boolean" } } as const;
  const { values, positionals } = parseCommandLine(argv, options, "replay");
  if (values.help || values.version) {
    process.stdout.write(values.help ? HELP : `${packageVersion()}\n`);
    return 0;
  }
  const range = { option: "--workers", least: 0, most: MAX_FAULT_WORKERS };
  const workers = wholeNumber(values.workers, range, "replay");
  if (positionals.length === 0) throw new UsageError("a FILE is missing", "replay");
  using engine = await Engine.create({ memoryBytes: MEMORY_BYTES, maxWorkers: workers + 1 });
  const crew = workers === 0 ? null : await FaultCrew.start(engine, workers);
  try {
    return await replayAll(engine, crew, positionals, values.json === true);
  } finally {
    await crew?.end();
  }
}

async function replayAll(
  engine: Engine,
  crew: FaultCrew | null,
  files: readonly string[],
  json: boolean,
): Promise<number> {
  const results: FileResult[] = [];
  const errors: InputError[] = [];
  for (const file of files) {
    try {
      const result = await replayOne(engine, crew, file);
      results.push(result);
      if (!json) process.stdout.write(`${reportText(result)}\n${faultText(result)}`);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      errors.push(error);
      process.stderr.write(`${error.message}\n`);
    }
  }
  const differences = results.reduce((sum, result) => sum + result.differences, 0);
  if (json) {
    const rows = errors.map(({ file, line, expected, got }) => ({ file, line, expected, got }));
    const document = { files: results, errors: rows, differences };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  if (errors.length !== 0) return 2;
  return differences === 0 ? 0 : 1;
}

async function replayOne(
  engine: Engine,
  crew: FaultCrew | null,
  file: string,
): Promise<FileResult> {
  const bytes = await readInput(file);
  await crew?.run(targetsOf(bytes, file));
  const progress = new ProgressLine(file);
  const started = performance.now();
  let faultWorkers: readonly FaultCounts[] = [];
  let report: ReplayReport;
  try {
    report = replayFile(coreOf(engine), bytes, file, {
      onSpace(mm) {
        if (crew !== null) crew.mm = mm;
      },
      onProgress: (operations) => progress.show(`${operations} operations`),
    });
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
  if (recordKind(bytes, file) === "trace") return { mode: "fault", writeEvery: 0 };
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

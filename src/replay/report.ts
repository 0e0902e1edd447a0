// What a replay found: counts, and the first difference in full.

import type { Problem } from "../formats/lines.js";
import type { RecordedStep, VmaRow } from "../formats/recording.js";
import type { UnknownCounts } from "./unknowns.js";

export interface Difference {
  /** Line of the file. */
  readonly line: number;
  readonly operation: string;
  readonly expected: string;
  readonly got: string;
  /** Lines of the recorded map that the engine's lacks. */
  readonly missing: readonly string[];
  /** Lines of the engine's map that the recorded one lacks. */
  readonly extra: readonly string[];
}

export interface ReplayReport {
  readonly file: string;
  readonly kind: "recording" | "trace" | "strace";
  operations: number;
  mapsCompared: number;
  differences: number;
  first: Difference | null;
  /**
   * Traces: borders between neighbours equal in all that maps shows, which one side has and
   * the other has not. They hang on which pages were touched, and a trace does not tell that.
   */
  borders: number;
  /** Traces: calls made before their row's turn, because they were in flight: see in-flight.ts. */
  reordered: number;
  /** Calls that change no VMA and were not made, by name. */
  notReplayed: Record<string, number>;
  /** Logs: what they do not tell: see unknowns.ts. */
  unknowns?: UnknownCounts;
  /** Logs: lines that could not be read. */
  problems?: readonly Problem[];
  /** Logs: memory calls without a result. */
  unanswered?: number;
  /** Logs: the line in the middle of which it ends; 0 if it is whole. */
  truncated?: number;
}

/** What a replay tells while it runs. */
export interface ReplayHooks {
  /** The calls go to another address space from now on. */
  readonly onSpace?: (mm: number) => void;
  /** Every few operations; `share` of the whole is done, 0 to 1. */
  readonly onProgress?: (operations: number, share: number) => void;
  /** Recordings: before every call, in this address space; `file`: what it maps, 0 none. */
  readonly beforeCall?: (mm: number, step: RecordedStep, file: number) => void;
  /** After every operation, in this address space. */
  readonly onOperation?: (mm: number) => void;
}

export function newReport(file: string, kind: ReplayReport["kind"]): ReplayReport {
  return {
    file,
    kind,
    operations: 0,
    mapsCompared: 0,
    differences: 0,
    first: null,
    borders: 0,
    reordered: 0,
    notReplayed: {},
  };
}

/** Counts a difference; `describe` runs for the first one only. */
export function countDifference(report: ReplayReport, describe: () => Difference): void {
  report.differences++;
  report.first ??= describe();
}

export function rowText(row: VmaRow): string {
  const [start, end, perms, pgoff, name, vmFlags] = row;
  return `${start}-${end} ${perms} ${pgoff} ${name === "" ? '""' : name} ${vmFlags}`.trimEnd();
}

/** The lines that only one of two ordered lists has, as [only in `a`, only in `b`]. */
export function linesApart(a: readonly string[], b: readonly string[]): [string[], string[]] {
  const inA = new Set(a);
  const inB = new Set(b);
  return [a.filter((line) => !inB.has(line)), b.filter((line) => !inA.has(line))];
}

/** A report as people read it: the first difference, then one line of totals. */
export function reportText(report: ReplayReport): string {
  const lines: string[] = [];
  if (report.first !== null) {
    const { line, operation, expected, got, missing, extra } = report.first;
    lines.push(`${report.file}:${line}: ${operation}`);
    lines.push(`  expected ${expected}`, `  got      ${got}`);
    lines.push(...shortList(missing, "  map -    "), ...shortList(extra, "  map +    "));
  }
  const { operations, mapsCompared, differences, borders } = report;
  let total =
    `${report.file}: ${operations} operations, ${mapsCompared} maps compared, ` +
    `${differences} differences`;
  if (borders !== 0) total += ` (and ${borders} borders between equal neighbours)`;
  if (report.reordered !== 0) total += `; ${report.reordered} calls in flight made earlier`;
  total += unknownsText(report);
  const skipped = Object.entries(report.notReplayed);
  if (skipped.length !== 0) {
    total += `; not replayed: ${skipped.map(([name, count]) => `${count} ${name}`).join(", ")}`;
  }
  lines.push(total);
  return lines.join("\n");
}

function unknownsText({ unknowns, unanswered = 0, truncated = 0 }: ReplayReport): string {
  const { ranges = 0, places = 0, lines = 0, names = 0 } = unknowns ?? {};
  const parts = [
    [ranges, "ranges adopted when first touched"],
    [places, "places taken over"],
    [lines, "lines of the map not told by the log"],
    [names, "files renamed"],
    [unanswered, "calls without a result"],
  ] as const;
  const told = parts.filter(([count]) => count !== 0).map(([count, what]) => `; ${count} ${what}`);
  if (truncated !== 0) told.push(`; cut in line ${truncated}`);
  return told.join("");
}

const SHOWN_LINES = 12;

function shortList(lines: readonly string[], prefix: string): string[] {
  const shown = lines.slice(0, SHOWN_LINES).map((line) => prefix + line);
  if (lines.length > SHOWN_LINES) shown.push(`${prefix}... ${lines.length - SHOWN_LINES} more`);
  return shown;
}

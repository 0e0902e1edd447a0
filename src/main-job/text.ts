// What the main job prints at its end.

import type { FaultCounts } from "../replay/fault-worker.js";
import type { WriterResult } from "./writer-worker.js";

export function resultText(result: WriterResult): string {
  const { seconds, passes, calls, mapsCompared, differences, finalMap } = result;
  const rate = Math.round(calls / seconds);
  return [
    `calls replayed  ${count(calls)} (${count(passes)} passes of ${count(calls / passes)} calls ` +
      `in ${seconds.toFixed(1)} s, ${count(rate)} calls/s)`,
    `final map       ${finalMap.lines} lines compared with Linux: ` +
      `${finalMap.differences} differences`,
    `all passes      ${count(mapsCompared)} maps and ${count(calls)} results compared: ` +
      `${count(differences)} differences`,
    "",
  ].join("\n");
}

const HEAD = [
  "fault worker",
  "faults/s",
  "by per-VMA lock",
  "fell back to mmap lock",
  "retries",
  "refused",
];

/** One row a fault worker, and their sum. */
export function faultTable(workers: readonly FaultCounts[]): string {
  const rows = workers.map((counts, n) => [`${n + 1}`, ...cells(counts)]);
  const sum = workers.reduce((all, one) => ({
    seconds: Math.max(all.seconds, one.seconds),
    faults: all.faults + one.faults,
    perVmaLock: all.perVmaLock + one.perVmaLock,
    mmapLock: all.mmapLock + one.mmapLock,
    retries: all.retries + one.retries,
    refused: all.refused + one.refused,
  }));
  const table = [HEAD, ...rows, ["all", ...cells(sum)]];
  const widths = HEAD.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)));
  return table.map((row) => `${line(row).join("  ")}\n`).join("");
}

function cells({ seconds, faults, perVmaLock, mmapLock, retries, refused }: FaultCounts): string[] {
  const share = ((100 * perVmaLock) / Math.max(faults, 1)).toFixed(1);
  return [
    count(faults / seconds),
    `${count(perVmaLock)} (${share} %)`,
    count(mmapLock),
    count(retries),
    count(refused),
  ];
}

/** 1,234,567 */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

// The engine against what a real kernel answered: every committed recording and trace,
// and the full sets where this checkout has them beside it.
//
// Goal     0 differences: results, errnos, maps, counters.
// Method   vmaple's own replay; a failure shows its report, with the first difference.

import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "../../src/engine.js";
import { coreOf } from "../../src/replay/engine-core.js";
import { readInput } from "../../src/replay/input.js";
import { replayFile } from "../../src/replay/replay-file.js";
import { reportText } from "../../src/replay/report.js";

const FOLDERS = [
  "../../fixtures/recordings",
  "../../fixtures/traces",
  "../../../shared/oracle/recordings",
  "../../../shared/traces",
].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));

const MEMORY_BYTES = 128 * 1024 * 1024;

let engine: Engine;
const totals = { files: 0, operations: 0, maps: 0, differences: 0 };

beforeAll(async () => {
  engine = await Engine.create({ memoryBytes: MEMORY_BYTES });
});

afterAll(() => {
  const { files, operations, maps, differences } = totals;
  process.stdout.write(
    `oracle: ${files} files, ${operations} operations, ${maps} maps compared, ` +
      `${differences} differences\n`,
  );
  engine.dispose();
});

for (const folder of FOLDERS.filter((path) => existsSync(path))) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ndjson.gz"));
  // One test a profile: basic-1000, basic-1001, ... are one; a trace is its own.
  for (const profile of new Set(files.map(profileOf))) {
    test(`${folder.split("/").slice(-2).join("/")}: ${profile}`, async () => {
      for (const name of files.filter((file) => profileOf(file) === profile)) {
        const report = replayFile(coreOf(engine), await readInput(`${folder}/${name}`), name);
        totals.files++;
        totals.operations += report.operations;
        totals.maps += report.mapsCompared;
        totals.differences += report.differences;
        expect(report.operations).toBeGreaterThan(0);
        expect(report.differences, reportText(report)).toBe(0);
      }
      expect(engine.validate()).toEqual([]);
    });
  }
}

describe("a replay leaves nothing behind", () => {
  test("no VMA, no address space", () => {
    const { vma, mm } = engine.stats().memory.kinds;
    expect({ vma: vma.live, mm: mm.live }).toEqual({ vma: 0, mm: 0 });
  });
});

function profileOf(name: string): string {
  return name.replace(/(-\d+)?\.ndjson\.gz$/, "");
}

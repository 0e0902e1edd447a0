// The bench's own parts: what it computes from timings, its command line, its workload.
// The rows themselves run in `npm run bench -- --quick`, a part of `npm run check`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const BENCH = new URL("../../bench/", import.meta.url);
/** The bench is plain JavaScript: nothing declares its types. */
const load = (path: string) => import(/* @vite-ignore */ new URL(path, BENCH).href);
const stats = await load("lib/stats.mjs");
const options = await load("lib/options.mjs");
const print = await load("lib/print.mjs");
const chart = await load("lib/chart.mjs");
const workload = await load("workload/index.mjs");
const sortedArray = await load("subjects/sorted-array.mjs");

const directory = mkdtempSync(join(tmpdir(), "vmaple-bench-"));
afterAll(() => rmSync(directory, { recursive: true }));

function bench(...args: string[]) {
  const command = [fileURLToPath(new URL("run.mjs", BENCH)), ...args];
  return spawnSync(process.execPath, command, { encoding: "utf8" });
}

interface Measured {
  impl: string;
  cpu: number;
  checksum?: number;
}

const result = ({ impl, cpu, checksum }: Measured) => {
  return { row: "index", workload: "mixed", n: 10, impl, cpu, wall: 2 * cpu, checksum };
};

describe("figures", () => {
  test("are medians of the rounds, with their extremes", () => {
    const rounds = [30, 10, 20].map((cpu) => result({ impl: "ours", cpu }));
    const [figure] = stats.figures(rounds);
    expect(figure.value).toEqual({ median: 20, min: 10, max: 30, rounds: 3 });
    expect(figure.wall.median).toBe(40);
  });

  test("of implementations that agree have no mismatch", () => {
    const same = ["ours", "theirs"].map((impl) => result({ impl, cpu: 1, checksum: 7 }));
    expect(stats.mismatches(same)).toEqual([]);
  });

  test("of implementations that differ name both", () => {
    const apart = [
      result({ impl: "ours", cpu: 1, checksum: 7 }),
      result({ impl: "theirs", cpu: 1, checksum: 8 }),
    ];
    expect(stats.mismatches(apart)).toEqual(["index, mixed, n 10: 7 (ours) against 8 (theirs)"]);
  });

  test("show ours over theirs beside each peer", () => {
    const measured = [result({ impl: "ours", cpu: 10 }), result({ impl: "theirs", cpu: 40 })];
    const row = {
      name: "index",
      title: "ranges",
      workloads: ["mixed"],
      impls: ["ours", "theirs"],
      references: [{ impl: "ours", short: "ours" }],
    };
    const text: string = print.rowText(stats.figures(measured), row);
    const line = text.split("\n").find((candidate) => candidate.includes("theirs"));
    expect(line?.trim().split(/\s{2,}/)).toEqual(["theirs", "40.0 ns", "80.0", "0.25"]);
  });
});

describe("the chart", () => {
  test("draws bars and curves without a number that is none", () => {
    const measured = [10, 100].flatMap((n) =>
      [5, 50].map((cpu, i) => ({ ...result({ impl: `impl <${i}>`, cpu }), n, workload: "mixed" })),
    );
    const row = {
      name: "index",
      title: "ranges",
      workloads: ["mixed"],
      impls: ["impl <0>", "impl <1>"],
    };
    const svg: string = chart.chartSvg(stats.figures(measured), [row], { machine: "any" });
    expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(svg).toContain("impl &lt;1&gt;");
    expect(svg.match(/<path /g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });
});

describe("the command line", () => {
  test("knows its rows", () => {
    expect(() => options.parseOptions(["indx"], ["index"])).toThrow('no row "indx"');
  });

  test("refuses numbers that are none", () => {
    expect(() => options.parseOptions(["--rounds", "0"], [])).toThrow("--rounds");
    expect(() => options.parseOptions(["--n", "10,x"], [])).toThrow("--n");
    expect(() => options.parseOptions(["--fast"], [])).toThrow("--fast");
  });

  test("exits with 2 on bad usage, with 0 after its help", () => {
    expect(bench("--fast").status).toBe(2);
    const { status, stdout } = bench("--help");
    expect(status).toBe(0);
    expect(stdout).toContain("--chart FILE");
  });

  test("writes what it measured to a file", () => {
    const json = join(directory, "out.json");
    const svg = join(directory, "out.svg");
    const only = ["--only", "sorted array"];
    const { status, stdout } = bench("index", "--quick", ...only, "--json", json, "--chart", svg);
    expect(stdout).toContain("0 places differ");
    expect(status).toBe(0);
    const { figures, machine } = JSON.parse(readFileSync(json, "utf8"));
    expect(machine).toContain("core");
    expect(figures.map((figure: { workload: string }) => figure.workload).sort()).toEqual(
      [...workload.WORKLOADS].sort(),
    );
    expect(readFileSync(svg, "utf8")).toContain("lookup_rand");
  });
});

describe("the workload", () => {
  /** Known from other languages: bench/native/ prints the same. */
  const PUBLISHED = {
    lookup_rand: 209657675,
    iterate: 500500,
    split_merge: 500500,
    mixed: 1022157,
    gap_0: 8698392654,
    gap_50: 7971123117,
    gap_99: 5577627079,
  };

  test("has the checksums of its twins at 1000 ranges", () => {
    const scale = { ops: 500_000, budgetMs: Number.POSITIVE_INFINITY, warmUpMs: 0 };
    const sums: Record<string, number | undefined> = {};
    for (const group of ["read", "split_merge", "mixed", "gap"]) {
      const emit = ({ workload: name, checksum }: { workload: string; checksum?: number }) => {
        sums[name] = checksum;
      };
      workload.runGroup(sortedArray.create, { group, n: 1000 }, scale, emit);
    }
    delete sums["bytes"];
    expect(sums).toEqual(PUBLISHED);
  });
});

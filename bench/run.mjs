// `npm run bench`: plans the cases, runs each in a process of its own in a shuffled order,
// compares checksums, prints figures. See --help.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildLoops } from "./lib/build.mjs";
import { chartSvg } from "./lib/chart.mjs";
import { machine } from "./lib/machine.mjs";
import { HELP, parseOptions, UsageError } from "./lib/options.mjs";
import { rowText } from "./lib/print.mjs";
import { Progress } from "./lib/progress.mjs";
import { ROWS } from "./lib/rows.mjs";
import { figures, mismatches, unique } from "./lib/stats.mjs";
import { Random } from "./workload/layout.mjs";

const CASE = fileURLToPath(new URL("./case.mjs", import.meta.url));
const FLAGS = ["--expose-gc", "--max-old-space-size=4096", "--stack-size=3900"];
const CASE_TIMEOUT_MS = 90_000;

async function main(argv) {
  const options = parseOptions(
    argv,
    ROWS.map((row) => row.name),
  );
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  await buildLoops();
  const head = machine();
  for (const [key, value] of Object.entries(head)) process.stdout.write(`${key}: ${value}\n`);
  process.stdout.write(`command: npm run bench -- ${argv.join(" ")}\n\n`);

  const rows = ROWS.filter((row) => options.rows.includes(row.name));
  const { results, failures, unavailable } = await runAll(plan(rows, options), options);
  const measured = figures(results);
  for (const row of rows) {
    const own = measured.filter((figure) => figure.row === row.name);
    row.annotate?.(own);
    if (own.length !== 0) process.stdout.write(`${rowText(own, row)}\n\n`);
  }
  for (const text of unavailable) process.stdout.write(`not measured: ${text}\n`);
  const wrong = mismatches(results);
  for (const text of wrong) process.stdout.write(`checksums differ: ${text}\n`);
  for (const text of failures) process.stdout.write(`failed: ${text}\n`);
  const compared = results.filter((result) => result.checksum !== undefined).length;
  process.stdout.write(`${compared} checksums compared, ${wrong.length} places differ\n`);
  if (options.json !== undefined) {
    const document = {
      ...head,
      options,
      figures: measured,
      mismatches: wrong,
      failures,
      unavailable,
      results,
    };
    writeFileSync(options.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  if (options.chart !== undefined) writeFileSync(options.chart, chartSvg(measured, rows, head));
  return wrong.length === 0 && failures.length === 0 ? 0 : 1;
}

/**
 * @typedef {object} Job one process
 * @property {string} row
 * @property {import("./lib/rows.mjs").Case[]} cases one; with --quick all of an implementation
 */

/**
 * Every case of every round, shuffled within the round so that drift hits all alike.
 *
 * @returns {Job[]}
 */
function plan(rows, options) {
  const wanted = ({ impl }) =>
    options.only.length === 0 || options.only.some((word) => impl.includes(word));
  const jobs = rows.flatMap((row) => {
    const cases = row.cases(options).filter(wanted);
    if (!options.quick) return cases.map((what) => ({ row: row.name, cases: [what] }));
    const impls = unique(cases.map(({ impl }) => impl));
    return impls.map((impl) => ({
      row: row.name,
      cases: cases.filter((what) => what.impl === impl),
    }));
  });
  const random = new Random(Date.now());
  return Array.from({ length: options.rounds }, () => shuffle([...jobs], random)).flat();
}

function shuffle(items, random) {
  for (let i = items.length; i > 1; i--) {
    const j = random.below(i);
    [items[i - 1], items[j]] = [items[j], items[i - 1]];
  }
  return items;
}

/** @param {Job[]} jobs */
async function runAll(jobs, options) {
  const results = [];
  const failures = [];
  const unavailable = new Set();
  const progress = new Progress(jobs.length);
  for (const job of jobs) {
    const words = `${job.row} ${Object.values(job.cases[0]).join(" ")}`;
    progress.step(words);
    const { output, error } = await runJob(job, options);
    for (const line of output.split("\n").filter((text) => text !== "")) {
      const result = JSON.parse(line);
      if (result.unavailable === undefined) results.push(result);
      else unavailable.add(`${result.impl}: ${result.unavailable}`);
    }
    if (error !== "") failures.push(`${words}: ${error}`);
  }
  progress.end();
  return { results, failures, unavailable: [...unavailable] };
}

/**
 * @param {Job} job
 * @returns {Promise<{ output: string, error: string }>} error: "" if it went well
 */
function runJob({ row, cases }, options) {
  const args = [...FLAGS, CASE, row, JSON.stringify(cases), JSON.stringify(options)];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: CASE_TIMEOUT_MS,
  });
  let output = "";
  let complaint = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  child.stderr.on("data", (data) => {
    complaint += data;
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      const error = code === 0 ? "" : `${signal ?? `exit ${code}`} ${reason(complaint)}`;
      resolve({ output: output.slice(0, output.lastIndexOf("\n") + 1), error });
    });
  });
}

/** The line that says what went wrong. */
function reason(complaint) {
  const lines = complaint.split("\n");
  return (lines.find((line) => /Error\b/.test(line)) ?? lines[0]).trim();
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

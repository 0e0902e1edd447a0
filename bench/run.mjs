// `npm run bench`: plans the cases, runs each in a process of its own in a shuffled order,
// compares checksums, prints figures. See --help.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildLoops } from "./lib/build.mjs";
import { machine } from "./lib/machine.mjs";
import { HELP, parseOptions, UsageError } from "./lib/options.mjs";
import { rowText } from "./lib/print.mjs";
import { Progress } from "./lib/progress.mjs";
import { ROWS } from "./lib/rows.mjs";
import { figures, mismatches } from "./lib/stats.mjs";
import { Random } from "./workload/layout.mjs";

const CASE = fileURLToPath(new URL("./case.mjs", import.meta.url));
const FLAGS = ["--expose-gc", "--max-old-space-size=4096", "--stack-size=3900"];
const CASE_TIMEOUT_MS = 120_000;

async function main(argv) {
  const options = parseOptions(
    argv,
    ROWS.map((row) => row.name),
  );
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  buildLoops();
  const head = machine();
  for (const [key, value] of Object.entries(head)) process.stdout.write(`${key}: ${value}\n`);
  process.stdout.write(`command: npm run bench -- ${argv.join(" ")}\n\n`);

  const rows = ROWS.filter((row) => options.rows.includes(row.name));
  const { results, failures } = await runAll(plan(rows, options), options);
  const measured = figures(results);
  for (const row of rows) {
    const own = measured.filter((figure) => figure.row === row.name);
    if (own.length !== 0) process.stdout.write(`${rowText(own, row)}\n\n`);
  }
  const wrong = mismatches(results);
  for (const text of wrong) process.stdout.write(`checksums differ: ${text}\n`);
  for (const text of failures) process.stdout.write(`failed: ${text}\n`);
  const compared = results.filter((result) => result.checksum !== undefined).length;
  process.stdout.write(`${compared} checksums compared, ${wrong.length} places differ\n`);
  if (options.json !== undefined) {
    const document = { ...head, options, figures: measured, mismatches: wrong, failures, results };
    writeFileSync(options.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  return wrong.length === 0 && failures.length === 0 ? 0 : 1;
}

/** Every case of every round, shuffled within the round so that drift hits all alike. */
function plan(rows, options) {
  const wanted = ({ impl }) =>
    options.only.length === 0 || options.only.some((word) => impl.includes(word));
  const cases = rows.flatMap((row) =>
    row
      .cases(options)
      .filter(wanted)
      .map((what) => ({ row: row.name, what })),
  );
  const random = new Random(Date.now());
  return Array.from({ length: options.rounds }, () => shuffle([...cases], random)).flat();
}

function shuffle(items, random) {
  for (let i = items.length; i > 1; i--) {
    const j = random.below(i);
    [items[i - 1], items[j]] = [items[j], items[i - 1]];
  }
  return items;
}

async function runAll(cases, options) {
  const results = [];
  const failures = [];
  const progress = new Progress(cases.length);
  for (const { row, what } of cases) {
    const words = Object.values(what).join(" ");
    progress.step(`${row} ${words}`);
    const { output, error } = await runCase(row, what, options);
    for (const line of output.split("\n")) if (line !== "") results.push(JSON.parse(line));
    if (error !== "") failures.push(`${row} ${words}: ${error}`);
  }
  progress.end();
  return { results, failures };
}

/** @returns {Promise<{ output: string, error: string }>} error: "" if it went well */
function runCase(row, what, options) {
  const args = [...FLAGS, CASE, row, JSON.stringify(what), JSON.stringify(options)];
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

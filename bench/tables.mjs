// Writes the tables of README.md and docs/performance.md out of one run's figures:
//
//   npm run bench -- --workers 2 --native --json run.json
//   node bench/tables.mjs run.json
//
// A table stands between <!-- bench NAME --> and <!-- /bench -->; lib/tables.mjs has the names.
// A run that lacks a table's rows leaves that table, and its date, as it was.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib/build.mjs";
import { markdown } from "./lib/print.mjs";
import { TABLES } from "./lib/tables.mjs";

const PAGES = ["README.md", "docs/performance.md"];

function main([file]) {
  if (file === undefined) {
    process.stderr.write("usage: node bench/tables.mjs RUN.json (of npm run bench -- --json)\n");
    return 2;
  }
  const run = JSON.parse(readFileSync(file, "utf8"));
  if (run.mismatches.length + run.failures.length > 0) {
    process.stderr.write(`${file}: a run in which results differ or a case failed\n`);
    return 1;
  }
  for (const page of PAGES) writePage(page, run);
  return 0;
}

function writePage(page, run) {
  const path = join(ROOT, page);
  const text = readFileSync(path, "utf8");
  let told = false; // where the figures are from, above the first table
  const written = text.replace(
    /(<!-- bench ([\w ]+) -->\n)[\s\S]*?(<!-- \/bench -->)/g,
    (whole, open, table, close) => {
      const [name, ...words] = table.split(" ");
      if (!(name in TABLES)) throw new Error(`${page}: no table is called "${table}"`);
      const rows = TABLES[name](run, ...words);
      process.stdout.write(`${page}, ${table}: ${rows === null ? "not in this run" : "written"}\n`);
      if (rows === null) return whole;
      const head = told ? "" : `\n${origin(run)}\n`;
      told = true;
      return `${open}${head}\n${markdown(rows)}\n\n${close}`;
    },
  );
  if (written !== text) writeFileSync(path, written);
}

function origin({ date, machine, system, node, options, vmaple }) {
  const { rows, sizes, workers, rounds, native } = options;
  const command = [
    "npm run bench --",
    ...rows,
    `--n ${sizes.join(",")}`,
    `--rounds ${rounds} --workers ${workers} --budget ${options.budgetMs}`,
    ...(native ? ["--native"] : []),
  ].join(" ");
  // The kernel's version, not what its builder called it.
  const where = [machine, system.replace(/-\S*/, ""), `Node ${node}`].join("; ");
  return `_${date.slice(0, 10)}, vmaple ${vmaple}; ${where}: \`${command}\`._`;
}

process.exitCode = main(process.argv.slice(2));

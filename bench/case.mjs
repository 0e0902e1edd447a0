// One case in a process of its own: `node bench/case.mjs ROW CASE OPTIONS`, both JSON.
// Prints a line of JSON for each result.

import { ROWS } from "./lib/rows.mjs";

const [name, what, options] = process.argv.slice(2);
const row = ROWS.find((candidate) => candidate.name === name);
const of = JSON.parse(what);
await row.run(of, JSON.parse(options), (result) => {
  process.stdout.write(`${JSON.stringify({ row: name, impl: of.impl, ...result })}\n`);
});

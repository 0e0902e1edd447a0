// Cases of one row in a process of their own: `node bench/case.mjs ROW CASES OPTIONS`, the
// last two JSON. Prints a line of JSON for each result.
//
// One case a process where times are taken; with --quick several share one.

import { Unavailable } from "./lib/native.mjs";
import { ROWS } from "./lib/rows.mjs";

const [name, cases, options] = process.argv.slice(2);
const row = ROWS.find((candidate) => candidate.name === name);
for (const what of JSON.parse(cases)) {
  const print = (result) => {
    process.stdout.write(`${JSON.stringify({ row: name, impl: what.impl, ...result })}\n`);
  };
  try {
    await row.run(what, JSON.parse(options), print);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    print({ unavailable: error.message });
  }
}

// Options that are whole numbers, for the scripts that run for long.

import { parseArgs } from "node:util";

/** A seed for runs that were given none. */
export const freshSeed = () => Date.now() % 2 ** 31;

/**
 * `known` maps an option to [its default, the least it may be]. Exits 2 with one line that says
 * what is wrong with the command line.
 */
export function wholeNumbers(script, known) {
  const options = Object.fromEntries(Object.keys(known).map((name) => [name, { type: "string" }]));
  let given;
  try {
    given = parseArgs({ options }).values;
  } catch (error) {
    fail(`${error.message}; it takes --${Object.keys(known).join(" N, --")} N`);
  }
  const numbers = {};
  for (const [name, [usual, least]] of Object.entries(known)) {
    const value = given[name] === undefined ? usual : Number(given[name]);
    if (!Number.isInteger(value) || value < least) {
      fail(`--${name} takes a whole number from ${least} on, not ${given[name]}`);
    }
    numbers[name] = value;
  }
  return numbers;

  function fail(message) {
    console.error(`${script}: ${message}`);
    process.exit(2);
  }
}

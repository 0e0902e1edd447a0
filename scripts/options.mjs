// The command lines of the scripts: what each takes is written once, for reading it and for --help.

import { parseArgs } from "node:util";

/** A seed for runs that were given none. */
export const freshSeed = () => Date.now() % 2 ** 31;

/**
 * An option: `whole` is [what it is if not given, the least it may be] of a whole number, `text`
 * the name of a word that it takes; with neither it is a flag.
 *
 * @typedef {{ about: string, whole?: [number | undefined, number], text?: string }} Option
 */

/**
 * Reads this process's command line. Exits 0 after `--help`, 2 with one line that says what is
 * wrong.
 *
 * @param {{ command: string, about: string, options: Record<string, Option>,
 *   words?: [name: string, about: string, least: number, most: number], notes?: string }} usage
 *   `words`: what is given without an option, and how many of them
 * @returns {Record<string, any> & { words: string[] }}
 */
export function readOptions(usage) {
  const { command, options, words: [name, , least, most] = ["", "", 0, 0] } = usage;
  const given = parse(usage);
  if (given.values.help) {
    process.stdout.write(help(usage));
    process.exit(0);
  }
  const count = given.positionals.length;
  if (count < least) fail(command, `${name} is missing`);
  if (count > most) fail(command, `"${given.positionals[most]}" is one word too many`);
  const read = { words: given.positionals };
  for (const [option, { whole }] of Object.entries(options)) {
    const value = given.values[option];
    read[option] = whole === undefined ? value : number(command, option, value, whole);
  }
  return read;
}

function parse({ command, options }) {
  const flag = { type: "boolean", default: false };
  const takes = ({ whole, text }) => ((whole ?? text) ? { type: "string" } : flag);
  const known = Object.entries(options).map(([name, option]) => [name, takes(option)]);
  try {
    return parseArgs({
      options: { ...Object.fromEntries(known), help: flag },
      allowPositionals: true,
    });
  } catch (error) {
    return fail(command, error.message.split(". To specify")[0]);
  }
}

function number(command, option, text, [usual, least]) {
  const value = text === undefined ? usual : Number(text);
  if (value === undefined || (Number.isInteger(value) && value >= least)) return value;
  return fail(command, `--${option} takes a whole number from ${least} on, not ${text}`);
}

function help({ command, about, options, words, notes }) {
  const lines = Object.entries({ ...options, help: { about: "this text" } }).map(
    ([name, { about: what, whole, text }]) => {
      const usual = whole?.[0] === undefined || name === "seed" ? "" : ` (${whole[0]})`;
      return [`--${name}${whole ? " N" : text ? ` ${text}` : ""}`, what + usual];
    },
  );
  if (words !== undefined) lines.unshift([words[0], words[1]]);
  const width = Math.max(...lines.map(([left]) => left.length)) + 2;
  const table = lines.map(([left, right]) => `  ${left.padEnd(width)}${right}\n`).join("");
  const tail = notes === undefined ? "" : `\n${notes}\n`;
  return `${about}\n\nUsage: ${command} ${words ? `${words[0]} ` : ""}[options]\n\n${table}${tail}`;
}

/** One line, exit status 2. */
function fail(command, message) {
  const [, name] = /([\w:-]+)(?:\.mjs)?(?: --)?$/.exec(command);
  process.stderr.write(`${name}: ${message}; --help tells what it takes\n`);
  return process.exit(2);
}

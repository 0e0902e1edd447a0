// The rows of the bench, in the order in which they are printed.
//
// A row is a module with
//   name, title, workloads, impls          what it prints, in order
//   references                             ours: each other line shows ours / theirs
//   cases(options)                         what to run: plain objects, one process each
//   run(case, options, emit)               runs one, in its process

import * as control from "../rows/control.mjs";
import * as index from "../rows/index.mjs";
import * as locks from "../rows/locks.mjs";
import * as programs from "../rows/programs.mjs";
import * as readers from "../rows/readers.mjs";
import * as shapes from "../rows/shapes.mjs";
import * as space from "../rows/space.mjs";

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {string[]} workloads
 * @property {string[]} impls
 * @property {{ impl: string, short: string }[]} references
 * @property {(options: import("./options.mjs").Options) => Case[]} cases
 * @property {(what: Case, options: import("./options.mjs").Options, emit: Emit) => unknown} run
 * @property {(figures: import("./stats.mjs").Figure[]) => void} [annotate] adds notes to its own
 *
 * @typedef {(result: object) => void} Emit
 * @typedef {{ impl: string } & Record<string, string | number | boolean>} Case
 */

/** @type {Row[]} */
export const ROWS = [index, space, locks, programs, readers, shapes, control];

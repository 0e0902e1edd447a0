// Runs scenarios and their mutants; prints the table.

import { compileCore, compileFilter, StaleMutant } from "./compile";
import { ALL_KILLS, killedScenarios, printKills, QUICK_KILLS } from "./death-main";
import { Races } from "./races";
import type { Scenario } from "./scenario";
import { scenarios } from "./scenarios";
import { type Limits, type Outcome, replay, search } from "./search";
import { World } from "./world";

export { scenarios };

/** Every test run: seconds for all. */
export const QUICK = { bound: 2, cap: 20_000, random: 500, seed: 1 };
/** On demand: minutes for all. */
export const DEEP = { bound: 3, cap: 400_000, random: 20_000, seed: 1 };

export async function explore(scenario: Scenario, limits: Limits, mutant = -1): Promise<Outcome> {
  const { world, setup } = await prepare(scenario, mutant);
  return search(world, scenario, setup, limits);
}

/** The scenario's first state, in a core with mutant number `mutant` (-1: none). */
async function prepare(scenario: Scenario, mutant: number) {
  const edits = mutant < 0 ? [] : scenario.mutants[mutant]!.edits;
  const [core, filter] = [await compileCore(edits), await compileFilter()];
  const world = new World(core, filter, scenario.fibers);
  world.ticks = scenario.ticks ?? 0;
  const setup = scenario.setup(world);
  world.snapshot();
  return { world, setup };
}

/** Limits of a scenario: its own where it has any. */
export function limitsFor(scenario: Scenario, limits: Limits): Limits {
  const bound = Math.max(0, limits.bound + (scenario.bound ?? 2) - 2);
  return { ...limits, bound, cap: Math.max(limits.cap, scenario.cap ?? 0) };
}

export interface MutantReport {
  name: string;
  /** Null: not caught. */
  outcome: Outcome | null;
  /** It cannot be made any more: the core's text has changed. */
  stale: string | null;
}

export interface Report {
  outcome: Outcome;
  mutants: MutantReport[];
  caught: number;
  milliseconds: number;
}

/** A scenario in the core as it is, then in each of its mutants. */
export async function runScenario(
  scenario: Scenario,
  limits: Limits,
  withMutants: boolean,
): Promise<Report> {
  const began = performance.now();
  const outcome = await explore(scenario, limits);
  const mutants: MutantReport[] = [];
  for (let i = 0; withMutants && i < scenario.mutants.length; i++) {
    mutants.push(await runMutant(scenario, limits, i));
  }
  const caught = mutants.filter((mutant) => mutant.outcome !== null).length;
  return { outcome, mutants, caught, milliseconds: performance.now() - began };
}

async function runMutant(scenario: Scenario, limits: Limits, i: number): Promise<MutantReport> {
  const { name } = scenario.mutants[i]!;
  try {
    const outcome = await explore(scenario, limits, i);
    return { name, outcome: outcome.violation ? outcome : null, stale: null };
  } catch (error) {
    if (!(error instanceof StaleMutant)) throw error;
    return { name, outcome: null, stale: error.message };
  }
}

/** Plain accesses that no lock orders, over random schedules of `chosen`. */
async function findRaces(chosen: Scenario[], seed: number): Promise<string[]> {
  const races = new Races();
  for (const scenario of chosen) {
    const { world, setup } = await prepare(scenario, -1);
    races.watch(world, scenario, setup, seed);
  }
  return races.report();
}

interface Options {
  deep: boolean;
  scenario: string | undefined;
  bound: number | undefined;
  seed: number | undefined;
  replay: string | undefined;
  mutant: number | undefined;
  mutants: boolean;
  races: boolean;
  /** Only the kills, at every step. */
  death: boolean;
}

const HEAD = "scenario                   schedules  pre-emptions       violations  mutants   time";

/** The command: 0 if nothing is wrong. */
export async function main(options: Options, print: (line: string) => void): Promise<number> {
  const all = options.death ? killedScenarios : scenarios;
  const chosen = all.filter(({ name }) => !options.scenario || name === options.scenario);
  if (chosen.length === 0) {
    print(`no scenario ${options.scenario}; there are: ${all.map((s) => s.name).join(" ")}`);
    return 2;
  }
  if (options.replay !== undefined) {
    const { world, setup } = await prepare(chosen[0]!, options.mutant ?? -1);
    const message = replay(world, chosen[0]!, setup, options.replay);
    print(message ?? `no violation in ${world.steps} steps`);
    return message === null ? 0 : 1;
  }
  if (options.death) {
    const limits = { ...ALL_KILLS, mutants: options.mutants };
    return (await printKills(limits, options.scenario, print)) ? 0 : 1;
  }
  if (options.races) {
    for (const line of await findRaces(chosen, options.seed ?? 1)) print(line);
    return 0;
  }
  let wrong = 0;
  print(HEAD);
  for (const scenario of chosen) {
    const limits = limitsFor(scenario, options.deep ? DEEP : QUICK);
    if (options.bound !== undefined) limits.bound = options.bound;
    if (options.seed !== undefined) limits.seed = options.seed;
    const report = await runScenario(scenario, limits, options.mutants);
    print(row(scenario, limits, report));
    if (report.outcome.violation) wrong++;
    if (report.caught < report.mutants.length) wrong++;
    for (const line of details(scenario, report, options.scenario !== undefined)) print(line);
  }
  if (options.scenario === undefined) {
    const limits = { ...(options.deep ? ALL_KILLS : QUICK_KILLS), mutants: options.mutants };
    if (!(await printKills(limits, undefined, print))) wrong++;
  }
  return wrong === 0 ? 0 : 1;
}

function row(scenario: Scenario, limits: Limits, report: Report): string {
  const { outcome, mutants, caught, milliseconds } = report;
  const all = outcome.exhausted < 0 ? "none" : `all up to ${outcome.exhausted}`;
  const speed = Math.round((outcome.schedules / outcome.milliseconds) * 1000);
  return [
    scenario.name.padEnd(26),
    String(outcome.schedules).padStart(10),
    `  ${(outcome.exhausted >= limits.bound ? all : `${all}, stopped`).padEnd(20)}`,
    String(outcome.violation ? 1 : 0).padStart(9),
    `${caught} of ${mutants.length}`.padStart(9),
    `${(milliseconds / 1000).toFixed(1)} s`.padStart(9),
    `${speed}/s`.padStart(10),
  ].join("");
}

/** What is wrong, and for one scenario alone how each mutant was caught. */
export function details(scenario: Scenario, report: Report, verbose: boolean): string[] {
  const lines: string[] = [];
  const { violation } = report.outcome;
  if (violation) lines.push(`  ${violation.message}`, found(scenario, report.outcome, -1));
  report.mutants.forEach(({ name, outcome, stale }, i) => {
    if (stale !== null) lines.push(`  mutant ${i}, ${name}: ${stale}`);
    else if (outcome === null) lines.push(`  mutant ${i}, ${name}: not caught`);
    else if (verbose) {
      lines.push(`  mutant ${i}, ${name}: ${outcome.violation!.message}`);
      lines.push(found(scenario, outcome, i));
    }
  });
  return lines;
}

function found(scenario: Scenario, { violation, schedules }: Outcome, mutant: number): string {
  const which = mutant < 0 ? "" : ` --mutant ${mutant}`;
  const command = `--scenario ${scenario.name}${which} --replay ${violation!.schedule}`;
  return `    schedule ${schedules}: ${command}`;
}

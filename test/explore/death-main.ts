// Runs the kills (death.ts) of all scenarios and of the mutants; prints the table.

import { compileCore, compileFilter, StaleMutant } from "./compile";
import { type Burial, Killer, type Kills } from "./death";
import { type DeathMutant, deathMutants } from "./death-mutants";
import type { Mutant, Scenario } from "./scenario";
import { scenarios } from "./scenarios";
import { deaths } from "./scenarios/death";
import { deadHooks } from "./scenarios/death-hook";
import { deadReferences } from "./scenarios/death-refs";
import { pages } from "./scenarios/pages";
import { World } from "./world";

/**
 * Every scenario, and those that are there for this; but not those that put pages in under a read
 * lock: who dies there may leave a page with one reference too many (docs/roadmap.md).
 */
export const killedScenarios: Scenario[] = [
  ...deaths,
  ...deadReferences,
  ...deadHooks,
  ...scenarios.filter((scenario) => !pages.includes(scenario)),
];

export const BURIALS: readonly Burial[] = ["reap", "mark"];

interface KillLimits {
  /** Of the steps, every how many-th: when the control reaps; when waiters have to. */
  stride: Readonly<Record<Burial, number>>;
  /** Further kills in random schedules. */
  random: number;
}

/** Every test run. */
export const QUICK_KILLS: KillLimits = { stride: { reap: 13, mark: 41 }, random: 50 };
/** `--death`: every step. */
export const ALL_KILLS: KillLimits = { stride: { reap: 1, mark: 1 }, random: 2000 };
/** A mutant's one bad step must be among those tried. */
const MUTANT_KILLS: KillLimits = { stride: { reap: 1, mark: 1 }, random: 3000 };

export async function killAll(
  scenario: Scenario,
  burial: Burial,
  { stride, random }: KillLimits,
  mutant?: Mutant,
): Promise<Kills> {
  const [core, filter] = [await compileCore(mutant?.edits ?? []), await compileFilter()];
  const world = new World(core, filter, scenario.fibers);
  world.ticks = scenario.ticks ?? 0;
  const setup = scenario.setup(world);
  world.snapshot();
  return new Killer(world, scenario, setup, burial).run(stride[burial], random);
}

/** What is wrong with a mutant's run: null if its kills noticed it. */
async function killMutant(mutant: DeathMutant): Promise<string | null> {
  const scenario = killedScenarios.find(({ name }) => name === mutant.scenario);
  if (!scenario) return `${mutant.name}: no scenario ${mutant.scenario}`;
  try {
    const { violation } = await killAll(scenario, mutant.burial ?? "reap", MUTANT_KILLS, mutant);
    return violation === null ? `${mutant.name}: not noticed by ${mutant.scenario}` : null;
  } catch (error) {
    if (!(error instanceof StaleMutant)) throw error;
    return `${mutant.name}: ${error.message}`;
  }
}

/** Complaints about mutants; empty if all are noticed. */
export async function killMutants(): Promise<string[]> {
  const complaints: string[] = [];
  for (const mutant of deathMutants) {
    const complaint = await killMutant(mutant);
    if (complaint !== null) complaints.push(complaint);
  }
  return complaints;
}

/** The table of `npm run explore`; true if nothing is wrong. */
export async function printKills(
  limits: KillLimits & { mutants: boolean },
  only: string | undefined,
  print: (line: string) => void,
): Promise<boolean> {
  let kills = 0;
  let violations = 0;
  for (const scenario of killedScenarios) {
    if (only !== undefined && scenario.name !== only) continue;
    for (const burial of BURIALS) {
      const result = await killAll(scenario, burial, limits);
      kills += result.kills;
      if (result.violation === null) continue;
      violations++;
      print(`  ${scenario.name}: ${result.violation}`);
    }
  }
  const withMutants = limits.mutants && only === undefined;
  const complaints = withMutants ? await killMutants() : [];
  for (const complaint of complaints) print(`  ${complaint}`);
  const caught = deathMutants.length - complaints.length;
  const mutants = withMutants ? `, mutants ${caught} of ${deathMutants.length}` : "";
  print(`workers killed: ${kills} kills, violations ${violations}${mutants}`);
  return violations === 0 && complaints.length === 0;
}

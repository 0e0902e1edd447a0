// Every scenario with a worker killed at its steps, and mutants that the kills must notice.
//
// A failure names the order (or random seed) and the step; `node scripts/explore.mjs --death`
// runs every step, here it is every few.

import { expect, test } from "vitest";
import { BURIALS, killAll, killedScenarios, killMutants, QUICK_KILLS } from "./death-main";

const SECONDS = 120;

test.each(BURIALS)(
  "a worker is killed at its steps (%s): nobody hangs, nothing leaks, spaces are whole",
  async (burial) => {
    const lines: string[] = [];
    let kills = 0;
    for (const scenario of killedScenarios) {
      const result = await killAll(scenario, burial, QUICK_KILLS);
      kills += result.kills;
      if (result.violation !== null) lines.push(`${scenario.name}: ${result.violation}`);
    }
    expect(lines).toEqual([]);
    expect(kills).toBeGreaterThan((1000 * killedScenarios.length) / 20);
  },
  SECONDS * 1000,
);

test(
  "every mutant of the journal, the announcements and the reaper is noticed",
  async () => {
    expect(await killMutants()).toEqual([]);
  },
  SECONDS * 1000,
);

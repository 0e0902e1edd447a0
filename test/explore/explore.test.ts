// Every scenario in all schedules with a few pre-emptions, and every mutant caught.
//
// A failure prints the command that replays its schedule. More pre-emptions, longer:
// node scripts/explore.mjs --deep

import { expect, test } from "vitest";
import { details, limitsFor, QUICK, runScenario, scenarios } from "./main";

const SECONDS = 60;

for (const scenario of scenarios) {
  test(
    `${scenario.name}: ${scenario.title}`,
    async () => {
      const report = await runScenario(scenario, limitsFor(scenario, QUICK), true);
      expect(details(scenario, report, false)).toEqual([]);
      expect(report.outcome.violation).toBeNull();
      expect(report.caught).toBe(scenario.mutants.length);
    },
    SECONDS * 1000,
  );
}

test("every race of the upstream list is a scenario, but the one that needs a cached node", () => {
  const races = new Set(scenarios.flatMap((scenario) => scenario.upstream ?? []));
  expect([...races].sort((a, b) => a - b)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15,
  ]);
});

test("each scenario has a mutant to catch", () => {
  expect(scenarios.filter((scenario) => scenario.mutants.length === 0)).toEqual([]);
});

// axe-core in a page of a browser test.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SERIOUS = ["serious", "critical"];

/** Findings that are serious, as `rule: element`, and how many rules found nothing. */
async function findings(page: Page): Promise<{ found: string[]; passed: number }> {
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(o: RunOptions): Promise<AxeResults> } }).axe.run({
      resultTypes: ["violations"],
    }),
  );
  const found = violations
    .filter(({ impact }) => SERIOUS.includes(impact ?? ""))
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  return { found, passed: passes.length };
}

/** Nothing serious is found in the page as it stands, and enough was looked at. */
export async function expectAccessible(page: Page): Promise<void> {
  const { found, passed } = await findings(page);
  expect(found).toEqual([]);
  expect(passed).toBeGreaterThan(20);
}

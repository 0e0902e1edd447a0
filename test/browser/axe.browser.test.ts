// axe-core on every view, in both themes and at two widths: no finding that is serious.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebPage } from "../support/web-page.js";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SERIOUS = ["serious", "critical"];

let web: WebPage;
let axe: string;

beforeAll(async () => {
  [web, axe] = await Promise.all([WebPage.build(), readFile(AXE, "utf8")]);
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

/** Findings that are serious, as `rule: element`, and how many rules found nothing. */
async function findings(page: Page): Promise<{ found: string[]; passed: number }> {
  await page.evaluate(axe);
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

describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
  test.each([
    ["wide", 1440, 900],
    ["narrow", 420, 900],
  ])("%s: steps, a choice, predictions, the shortcuts", async (_, width, height) => {
    await using opened = await web.open({
      context: { colorScheme, viewport: { width, height }, reducedMotion: "reduce" },
    });
    const { page, complaints } = opened;
    const check = async () => {
      const { found, passed } = await findings(page);
      expect(found).toEqual([]);
      expect(passed).toBeGreaterThan(20);
    };
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await page.locator(".line.is-gone").waitFor();
    await check();

    for (const tab of await page.getByRole("tab").all()) {
      await tab.click();
      await check();
    }
    await page.locator(".bar").focus();
    await page.keyboard.press("ArrowRight");
    await check();

    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await check();
    await page.keyboard.press("Escape");

    for (const view of await page.locator(".views button").all()) {
      await view.click();
      await page.locator("main > *").first().waitFor();
      await check();
    }
    expect(complaints).toEqual([]);
  });
});

test("nothing is wider than a narrow window", async () => {
  await using opened = await web.open({ context: { viewport: { width: 420, height: 900 } } });
  const widths = await opened.page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(widths[0]).toBe(widths[1]);
});

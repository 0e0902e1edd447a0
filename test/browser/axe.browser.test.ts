// axe-core on every view, in both themes and at two widths: no finding that is serious.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible } from "../support/axe.js";
import { WebPage } from "../support/web-page.js";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
  test.each([
    ["wide", 1440, 900],
    ["narrow", 420, 900],
  ])("%s: steps, a choice, predictions, the shortcuts", async (_, width, height) => {
    await using opened = await web.open({
      context: { colorScheme, viewport: { width, height }, reducedMotion: "reduce" },
    });
    const { page, complaints } = opened;
    const check = () => expectAccessible(page);
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

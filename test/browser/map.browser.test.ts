// The map view in headless Chromium: what a student meets first.

import { afterAll, beforeAll, expect, test } from "vitest";
import { WebPage } from "../support/web-page.js";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

test("a step splits a row, marks what is new, and says so", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  const rows = page.locator(".line:not(.is-gone)");
  const before = await rows.count();
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await expect.poll(() => rows.count()).toBe(before + 2);
  expect(await page.locator(".line.is-fresh").count()).toBe(3);
  expect(complaints).toEqual([]);
});

// The race in headless Chromium: both runs, the lock timeline, and a worker that is killed.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible } from "../support/axe.js";
import { WebPage } from "../support/web-page.js";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

/** A row of the table of figures: both numbers a second, and the ratio. */
async function figures(page: Page, row: string): Promise<{ rates: number[]; ratio: string }> {
  const cells = await page.getByRole("row", { name: row }).getByRole("cell").allTextContents();
  const rates = cells.slice(0, 2).map((text) => Number(text.replaceAll(",", "")));
  return { rates, ratio: cells[2] ?? "" };
}

test("both runs give figures that fit their locks, curves and a timeline", async () => {
  await using opened = await web.open({ path: "?view=race" });
  const { page, complaints } = opened;
  await page.getByRole("spinbutton", { name: "Workers" }).fill("2");
  await page.getByRole("radio", { name: "1 in 10", exact: true }).check();
  await page.getByRole("radio", { name: "1 s", exact: true }).check();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("img", { name: /^per-VMA locks: / }).waitFor();

  const operations = await figures(page, "operations");
  expect(Math.min(...operations.rates)).toBeGreaterThan(1000);
  const [mmapOnly, vma] = operations.rates as [number, number];
  expect(operations.ratio).toBe(`× ${(vma / mmapOnly).toFixed(2)}`);
  // With the mmap lock only no fault is served by a VMA's lock; with VMA locks most are.
  const underVma = (await figures(page, "faults under a VMA lock")).rates;
  const underMmap = (await figures(page, "faults under the mmap lock")).rates;
  expect(underVma[0]).toBe(0);
  expect(underMmap[0]).toBeGreaterThan(1000);
  expect(underMmap[1]).toBeGreaterThan(0);
  expect(underVma[1]).toBeGreaterThan(underMmap[1]!);
  const changes = (await figures(page, "calls that change the map")).rates;
  expect(Math.min(...changes)).toBeGreaterThan(100);

  const label = (name: RegExp) => page.getByRole("img", { name }).getAttribute("aria-label");
  expect(await label(/^Operations per second/)).toMatch(
    /mmap lock only: [\d.]+[KM]? on average; per-VMA locks: [\d.]+[KM]? on average/,
  );
  const shares = (text: string | null) =>
    [...(text ?? "").matchAll(/holds a lock (\d+) %/g)].map(([, share]) => Number(share));
  for (const mode of [/^mmap lock only: worker/, /^per-VMA locks: worker/]) {
    const held = shares(await label(mode));
    expect(held).toHaveLength(2);
    expect(Math.min(...held)).toBeGreaterThan(0);
  }
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});

test("cancelled, it stops its workers and can be run again", async () => {
  await using opened = await web.open({ path: "?view=race" });
  const { page, complaints } = opened;
  await page.getByRole("radio", { name: "10 s", exact: true }).check();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect.poll(() => page.workers().length).toBeGreaterThan(1);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Run", exact: true }).waitFor();
  await expect.poll(() => page.workers().length).toBe(0);
  expect(await page.getByRole("alert").allTextContents()).toEqual([""]);
  expect(complaints).toEqual([]);
});

test("the worker that holds the mmap lock is killed: the others go on", async () => {
  await using opened = await web.open({
    path: "?view=race",
    context: { colorScheme: "dark", viewport: { width: 420, height: 900 } },
  });
  const { page, complaints } = opened;
  await page.getByRole("spinbutton", { name: "Workers" }).fill("3");
  await page.getByRole("button", { name: "Kill the owner" }).click();
  const fact = (term: string) =>
    page.locator(".race-recovery dl div").filter({ hasText: term }).locator("dd").textContent();
  await page.locator(".race-recovery").waitFor();
  expect(await fact("Died")).toMatch(/^worker [012], seat [123]; 2 others waited for a lock$/);
  expect(await fact("Given up")).toBe("1 mmap lock held for writing");
  expect(await fact("Its munmap")).toBe("undone: the map there is as it was before");
  expect(await fact("After")).toBe("2 of 2 others worked on; every invariant of the map holds");
  await expect.poll(() => page.workers().length).toBe(0);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(420);
  expect(complaints).toEqual([]);
});

test("without shared memory the race says what it needs, and offers no button", async () => {
  await using opened = await web.open({
    path: "?view=race",
    isolated: false,
    context: { serviceWorkers: "block" },
  });
  const { page } = opened;
  await page.getByText("The race needs shared memory").waitFor();
  expect(await page.getByRole("button", { name: "Run", exact: true }).isDisabled()).toBe(true);
  expect(await page.getByRole("button", { name: "Kill the owner" }).isDisabled()).toBe(true);
});

// The whole tree in a browser: every node can be brought into sight, pointed at and chosen.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../../web/app/store.js";
import { WebPage } from "../support/web-page.js";

type Offered = typeof globalThis & { readonly vmaple: { readonly store: Store } };

let web: WebPage;
beforeAll(async () => {
  web = await WebPage.build();
}, 60_000);
afterAll(() => web[Symbol.asyncDispose]());

const words = (page: Page) => page.locator(".whole-tree-words").textContent();

/** Moves the pointer to a share of the width, in the row of the leaves; what is said there. */
async function pointAt(page: Page, share: number): Promise<string> {
  const box = (await page.locator(".whole-tree-box").boundingBox())!;
  await page.mouse.move(box.x + share * box.width, box.y + box.height - 6);
  await expect.poll(() => words(page)).toMatch(/^leaf 0x/);
  return (await words(page))!;
}

async function load(page: Page, vmas: number): Promise<void> {
  await page.evaluate(async (count) => {
    const { store } = (globalThis as unknown as Offered).vmaple;
    const rows = Array.from({ length: count }, (_, i) => {
      const start = 0x1000_0000_0000 + i * 0x2000;
      return { start, end: start + 0x1000, perms: "rw-p", offset: 0, inode: 0, name: "" };
    });
    await store.load({ options: { maxMapCount: 131_072 }, vmas: rows }, []);
  }, vmas);
}

test("65,530 mappings: a leaf that is pointed at is looked up, and a click chooses it", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  await load(page, 65_530);
  const leaf = await pointAt(page, 0.5);
  const [, node] = /^leaf (0x[0-9a-f]+), \d+ of 16 slots, [0-9a-f]+-[0-9a-f]+$/.exec(leaf)!;
  await expect.poll(() => page.locator(".slots caption").textContent()).toContain(node);
  await page.mouse.down();
  await page.mouse.up();
  const [low, high] = /, ([0-9a-f]+)-([0-9a-f]+)$/
    .exec(leaf)!
    .slice(1)
    .map((n) => parseInt(n, 16));
  const chosen = page.locator(".line.is-selected");
  await expect.poll(() => chosen.count()).toBe(1);
  const start = Number(await chosen.getAttribute("data-start"));
  expect(start).toBeGreaterThanOrEqual(low!);
  expect(start).toBeLessThan(high!);
  const inBar = await page.locator(".bar").getAttribute("aria-valuetext");
  expect(inBar).toContain(start.toString(16));
  expect(complaints).toEqual([]);
});

test("zoomed by keys to two leaves; dragged from the first leaf to the last", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  await load(page, 1000);
  const all = (await words(page))!;
  const leaves = Number(/^(\d+) leaves side by side/.exec(all)![1]);
  expect(leaves).toBeGreaterThan(60);
  await page.keyboard.press("r");
  await page.keyboard.press("Home");
  for (let i = 0; i < 10; i++) await page.keyboard.press("+");
  await expect.poll(() => words(page)).toMatch(new RegExp(`^leaves \\d+ to \\d+ of ${leaves} `));
  const seen = new Set([await pointAt(page, 0.25), await pointAt(page, 0.75)]);
  expect(seen.size).toBe(2);
  const box = (await page.locator(".whole-tree-box").boundingBox())!;
  const y = box.y + box.height - 6;
  for (const by of [1, -1]) {
    for (let i = 0; i < leaves; i++) {
      await page.mouse.move(box.x + (by > 0 ? 0.05 : 0.95) * box.width, y);
      await page.mouse.down();
      await page.mouse.move(box.x + (by > 0 ? 0.95 : 0.05) * box.width, y);
      await page.mouse.up();
    }
    for (const share of [0.25, 0.75]) seen.add(await pointAt(page, share));
  }
  expect(seen.size).toBeGreaterThanOrEqual(4);
  const last = await pointAt(page, 0.95);
  expect(last).toContain("-140000000000"); // the region's end
  await page.keyboard.press("0");
  await page.mouse.move(0, 0);
  await expect.poll(() => words(page)).toBe(all);
  expect(complaints).toEqual([]);
});

test("a wheel with Ctrl zooms at the pointer, and without it scrolls the pane", async () => {
  await using opened = await web.open();
  const { page } = opened;
  await load(page, 5000);
  const before = await pointAt(page, 0.3);
  await page.mouse.wheel(0, 60);
  await page.keyboard.down("Control");
  for (let i = 0; i < 6; i++) await page.mouse.wheel(0, -100);
  await page.keyboard.up("Control");
  await page.mouse.move(0, 0);
  await expect.poll(() => words(page)).toMatch(/^leaves \d+ to \d+ of \d+ leaves$/);
  expect(before).toMatch(/^leaf/);
});

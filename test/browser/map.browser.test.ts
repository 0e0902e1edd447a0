// The map view in headless Chromium: steps, the linked views, search, keys, the predict card.
//
// Waits are on what the page shows, never on time. What the page shows is compared with what
// the engine in the page answers.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../../web/app/store.js";
import { WebPage } from "../support/web-page.js";

/** What the page offers to the reader's console. */
type Offered = typeof globalThis & { readonly vmaple: { readonly store: Store } };

const BUFFER = 0x7fff_f7d8_0000;

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

/** The table's lines as lines of maps, without the padding before names. */
function tableLines(page: Page): Promise<string[]> {
  return page.$$eval(".line:not(.is-gone)", (lines) =>
    lines.map((line) => {
      const cell = (name: string) => line.querySelector(`.line-${name}`)?.textContent ?? "";
      return `${cell("range")} ${cell("perms")} ${cell("name")}`.replace(" anonymous", "").trim();
    }),
  );
}

/** The engine's own answer. */
async function engineLines(page: Page): Promise<string[]> {
  const text = await page.evaluate(() =>
    (globalThis as unknown as Offered).vmaple.store.machine.mm.maps(),
  );
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^(\S+ \S+) \S+ \S+ \S+ */, "$1 ").trim());
}

function selectedRange(page: Page): Promise<string | null> {
  return page.locator(".line.is-selected .line-range").textContent();
}

describe("steps", () => {
  test("split and merge rows, mark them, and say which rule acted", async () => {
    await using opened = await web.open();
    const { page, complaints } = opened;
    const why = page.locator(".steps-why");
    expect(await tableLines(page)).toEqual(await engineLines(page));

    await page.getByRole("button", { name: "Step", exact: true }).click();
    await page.locator(".line.is-gone").waitFor();
    expect(await page.locator(".line.is-fresh").count()).toBe(3);
    expect(await tableLines(page)).toEqual(await engineLines(page));
    expect(await why.textContent()).toContain("split in three");
    expect(await page.locator(".steps-call").textContent()).toContain("PROT_READ) = 0");
    expect(await page.locator(".tree-node.is-changed").count()).toBe(1);

    await page.keyboard.press("n");
    await expect.poll(() => page.locator(".line.is-fresh").count()).toBe(1);
    expect(await page.locator(".line.is-gone").count()).toBe(3);
    expect(await tableLines(page)).toEqual(await engineLines(page));

    await page.keyboard.press("Control+z");
    await expect.poll(() => page.locator(".line.is-fresh").count()).toBe(3);
    await page.locator(".scrubber").focus();
    await page.keyboard.press("Home");
    await expect.poll(() => page.locator(".steps output").textContent()).toBe("0 / 5");
    expect(await page.getByRole("button", { name: "Back" }).isDisabled()).toBe(true);
    expect(await tableLines(page)).toEqual(await engineLines(page));
    expect(complaints).toEqual([]);
  });
});

test.each([
  ["wide", 1440, 900],
  ["narrow", 420, 900],
])("%s: steps and choices move no card", async (_, width, height) => {
  await using opened = await web.open({ context: { viewport: { width, height } } });
  const { page } = opened;
  const boxes = () =>
    page.$$eval(".stage > .card", (cards) =>
      cards.map((card) => {
        const { left, top, width, height } = card.getBoundingClientRect();
        return [left, top + scrollY, width, height].map(Math.round);
      }),
    );
  await page.keyboard.press("[");
  await expect.poll(() => page.locator(".steps output").textContent()).toBe("0 / 5");
  const before = await boxes();
  expect(before).toHaveLength(4);
  for (let step = 1; step <= 5; step++) {
    await page.keyboard.press("n");
    await expect.poll(() => page.locator(".steps output").textContent()).toBe(`${step} / 5`);
    expect(await boxes()).toEqual(before);
  }
  await page.keyboard.press("b");
  for (const key of ["Home", "ArrowRight", "End", "Enter", "0"]) {
    await page.keyboard.press(key);
    await page.evaluate(() => new Promise(requestAnimationFrame));
    expect(await boxes()).toEqual(before);
  }
});

test("embedded: the map alone, and a way to the whole page", async () => {
  await using opened = await web.open({ path: "?embed=1" });
  const { page, url, complaints } = opened;
  expect(await page.locator(".stage > .card").count()).toBe(4);
  expect(await page.locator(".side").count()).toBe(0);
  expect(await page.locator(".views").isVisible()).toBe(false);
  const link = page.getByRole("link", { name: "Open the whole page" });
  expect(await link.getAttribute("href")).toBe(url);
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await page.locator(".line.is-gone").waitFor();
  expect(complaints).toEqual([]);
});

describe("one moment, three views", () => {
  test("what is chosen in one is chosen in all", async () => {
    await using opened = await web.open();
    const { page, complaints } = opened;

    // From the table.
    const row = page.locator(".line", { hasText: "7ffff7de6000-" });
    await row.click();
    const path = page.locator(".slots tr.is-path");
    expect(await path.textContent()).toContain("7ffff7de6000");
    expect(await page.locator(".readout-text").textContent()).toContain("libc.so.6");
    const bar = page.locator(".bar");
    expect(await bar.getAttribute("aria-valuetext")).toContain("7ffff7de6000");

    // From the bar, by keys.
    await bar.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => selectedRange(page)).toContain("7ffff7f3b000-");
    await page.keyboard.press("Home");
    await expect.poll(() => selectedRange(page)).toContain("555555554000-");

    // From the tree, by keys: the next slot of the leaf.
    await page.keyboard.press("r");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => selectedRange(page)).toContain("555555556000-");
    expect(complaints).toEqual([]);
  });

  test("what is pointed at in the bar is framed in the table and looked up in the tree", async () => {
    await using opened = await web.open();
    const { page } = opened;
    const box = (await page.locator(".bar").boundingBox())!;
    await page.mouse.move(box.x + box.width - 20, box.y + 40);
    await expect.poll(() => page.locator(".readout-text").textContent()).toContain("[stack]");
    expect(await page.locator(".slots tr.is-path").textContent()).toContain("[stack]");
    const band = (await page.locator(".hover-band").boundingBox())!;
    const stack = (await page.locator(".line", { hasText: "[stack]" }).boundingBox())!;
    expect(Math.abs(band.y - stack.y)).toBeLessThan(2);
  });

  test("the bar zooms to one page and back", async () => {
    await using opened = await web.open();
    const { page } = opened;
    const size = () =>
      page.evaluate(() => {
        const { start, end } = (globalThis as unknown as Offered).vmaple.store.window.value;
        return end - start;
      });
    await page.locator(".line", { hasText: `${BUFFER.toString(16)}-` }).click();
    await page.locator(".bar").focus();
    for (let i = 0; i < 60; i++) await page.keyboard.press("+");
    expect(await size()).toBe(4096);
    await page.keyboard.press("0");
    expect(await size()).toBe(2 ** 47 - 4096);
    for (const scale of ["Linear", "Log", "Compact"]) {
      await page.getByRole("radio", { name: scale }).check();
      await page.getByRole("button", { name: "Zoom in" }).click();
      expect(await size()).toBeLessThan(2 ** 47 - 4096);
      await page.getByRole("button", { name: "Show all" }).click();
    }
  });

  test("the table is searched by address, name and permissions", async () => {
    await using opened = await web.open();
    const { page } = opened;
    await page.keyboard.press("/");
    await page.keyboard.type("libc");
    await expect.poll(() => page.locator(".line").count()).toBe(4);
    await page.keyboard.press("Control+a");
    await page.keyboard.type("r-xp");
    await expect.poll(() => page.locator(".line").count()).toBe(3);
    await page.keyboard.press("Control+a");
    await page.keyboard.type("0x7ffffffe0123");
    await expect.poll(() => selectedRange(page)).toContain("7ffffffde000-");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("0x1000");
    await expect
      .poll(() => page.locator(".table-card .empty").textContent())
      .toContain("not mapped");
  });
});

test("65,530 mappings: the table shows the chosen one, wherever it is", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  await page.evaluate(async () => {
    const { store } = (globalThis as unknown as Offered).vmaple;
    const vmas = Array.from({ length: 65_530 }, (_, i) => {
      const start = 0x1000_0000_0000 + i * 0x2000;
      return { start, end: start + 0x1000, perms: "rw-p", offset: 0, inode: 0, name: "" };
    });
    await store.load({ options: { maxMapCount: 131_072 }, vmas }, []);
  });
  const inSight = async (address: number) => {
    const line = page.locator(".line.is-selected", { hasText: `${address.toString(16)}-` });
    await line.waitFor();
    const grid = (await page.locator(".grid").boundingBox())!;
    const box = (await line.boundingBox())!;
    return box.y >= grid.y && box.y + box.height <= grid.y + grid.height + 1;
  };
  await page.keyboard.press("m");
  await page.keyboard.press("End");
  expect(await inSight(0x1000_0000_0000 + 65_529 * 0x2000)).toBe(true);
  await page.keyboard.press("PageUp");
  await page.keyboard.press("Home");
  expect(await inSight(0x1000_0000_0000)).toBe(true);
  await page.evaluate(() => {
    (globalThis as unknown as Offered).vmaple.store.selected.value =
      0x1000_0000_0000 + 40_001 * 0x2000;
  });
  expect(await inSight(0x1000_0000_0000 + 40_001 * 0x2000)).toBe(true);
  expect(await page.locator(".line").count()).toBeLessThan(100);
  expect(await page.locator(".grid").getAttribute("aria-rowcount")).toBe("65530");
  expect(complaints).toEqual([]);
});

test("a prediction is checked against what the engine does", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  await page.getByRole("tab", { name: "Predict" }).click();
  const check = page.getByRole("button", { name: "Check" });
  expect(await check.isDisabled()).toBe(true);
  await page.locator(".predict-answer", { hasText: "16 KiB" }).click();
  await check.click();
  expect(await page.locator(".predict-verdict").textContent()).toContain("Right.");
  expect(await page.locator(".line.is-fresh").count()).toBe(3);

  await page.getByRole("button", { name: "Next question" }).click();
  const wrong = page.locator(".predict-answer", { hasText: "16 KiB" }).first();
  await wrong.click();
  await check.click();
  expect(await page.locator(".predict-verdict").textContent()).toContain("Not so.");
  expect(await page.locator(".predict-answer.is-right").count()).toBe(1);
  expect(complaints).toEqual([]);
});

// The log and the command line in headless Chromium: typing calls, links, exports, examples.

import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRecording } from "../../src/formats/recording.js";
import { readStrace } from "../../src/formats/strace.js";
import type { Playground } from "../support/page-globals.js";
import { WebPage } from "../support/web-page.js";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

const command = (page: Page) => page.getByRole("combobox", { name: "Command" });
const lines = (page: Page) => page.locator(".log-line");
const why = (page: Page) => page.locator(".steps-why");
const hash = (page: Page) => page.evaluate(() => location.hash);

async function run(page: Page, line: string): Promise<void> {
  await command(page).fill(line);
  await command(page).press("Escape");
  await command(page).press("Enter");
}

describe("the command line", () => {
  test("completes by name, runs, and its call is a line of the log at once", async () => {
    await using opened = await web.open();
    const { page, complaints } = opened;
    await command(page).pressSequentially("mpr");
    await page.keyboard.press("Tab");
    await command(page).pressSequentially("stack");
    await expect.poll(() => page.getByRole("option", { name: /\[stack\]/ }).count()).toBe(1);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await command(page).pressSequentially("4K r");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Enter");
    await expect
      .poll(() => why(page).textContent())
      .toMatch(/\[stack\] was split in two.*mprotect\(2\)/);
    expect(await lines(page).last().textContent()).toContain(
      "mprotect(0x7ffffffde000, 4096, PROT_READ)= 0",
    );
    expect(await command(page).inputValue()).toBe("");
    await page.keyboard.press("ArrowUp");
    expect(await command(page).inputValue()).toBe("mprotect 0x7ffffffde000 4K r");
    expect(complaints).toEqual([]);
  });

  test("says what was expected and where, and keeps the line", async () => {
    await using opened = await web.open();
    const { page } = opened;
    const before = await lines(page).count();
    await run(page, "mprotect 0x1000 4Q r");
    const hint = page.getByRole("alert");
    await expect.poll(() => hint.textContent()).toContain("expected a LENGTH such as 4096");
    expect(await hint.locator("pre").textContent()).toBe(
      `mprotect 0x1000 4Q r\n${" ".repeat(16)}^^`,
    );
    expect(await command(page).inputValue()).toBe("mprotect 0x1000 4Q r");
    expect(await lines(page).count()).toBe(before);
  });

  test("a refused call says which check refused it", async () => {
    await using opened = await web.open();
    const { page } = opened;
    await run(page, "munmap 0x1001 4K");
    await expect
      .poll(() => why(page).textContent())
      .toMatch(/^EINVAL: 0x1001 is no multiple of the page size\. munmap\(2\)$/);
  });

  test("undo and redo; a call after an undo takes the place of what was undone", async () => {
    await using opened = await web.open();
    const { page } = opened;
    await page.locator(".log-lines").focus();
    await page.keyboard.press("End");
    await expect.poll(() => lines(page).nth(4).getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    await expect.poll(() => lines(page).nth(2).getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Control+Shift+z");
    await expect.poll(() => lines(page).nth(3).getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Home");
    await run(page, "mmap 64K rw");
    await expect.poll(() => lines(page).count()).toBe(1);
  });
});

describe("a link", () => {
  test("follows the log, and brings another page to the same place", async () => {
    await using opened = await web.open();
    const { page } = opened;
    await run(page, "mmap 2p r at 0x7ffff0000000 fixed");
    await run(page, "fault 0x7ffff0001000 write");
    await expect.poll(() => hash(page)).toMatch(/^#log=1\./);
    await page.waitForTimeout(600);
    const link = await hash(page);
    const maps = await page.evaluate(() =>
      (globalThis as unknown as Playground).vmaple.store.machine.mm.maps(),
    );
    await using again = await web.open({ path: link });
    await expect
      .poll(() => why(again.page).textContent())
      .toMatch(/^SIGSEGV: r--p does not allow to write/);
    expect(
      await again.page.evaluate(() =>
        (globalThis as unknown as Playground).vmaple.store.machine.mm.maps(),
      ),
    ).toBe(maps);
    expect(again.complaints).toEqual([]);
  });

  test("that is broken says so, and shows what is understood", async () => {
    await using opened = await web.open();
    await run(opened.page, "mmap 64K rw");
    await expect.poll(() => hash(opened.page)).toMatch(/^#log=1\./);
    const link = await hash(opened.page);
    await using cut = await web.open({ path: link.slice(0, -12) });
    await expect
      .poll(() => cut.page.getByRole("alert").textContent())
      .toMatch(/The link is broken/);
    expect(await lines(cut.page).count()).toBeGreaterThan(0);
    await using other = await web.open({ path: "#log=7.AAAA" });
    await expect.poll(() => other.page.getByRole("alert").textContent()).toMatch(/version 7/);
    expect(await lines(other.page).count()).toBe(5);
    expect([...cut.complaints, ...other.complaints]).toEqual([]);
  });
});

describe("examples", () => {
  test("a bug report with its steps and results", async () => {
    await using opened = await web.open();
    const { page, complaints } = opened;
    await page.getByRole("button", { name: "Examples" }).click();
    expect(await page.locator(".presets").getByRole("link").count()).toBe(12);
    await page.locator('[data-preset="B059"]').click();
    await expect.poll(() => lines(page).count()).toBe(5);
    for (let n = 0; n < 3; n++)
      await page.getByRole("button", { name: "Step", exact: true }).click();
    await expect
      .poll(() => why(page).textContent())
      .toMatch(/^ENOMEM: nothing is mapped at .*What came before it stays done/);
    expect(await page.locator(".log-line .chip").count()).toBe(0); // as the kernel answered
    expect(complaints).toEqual([]);
  });

  test.each([
    ["python", 1258],
    ["node", 198],
    ["gcc", 412],
  ])("the trace of %s", async (id, calls) => {
    await using opened = await web.open();
    const { page, complaints } = opened;
    await page.getByRole("button", { name: "Examples" }).click();
    await page.locator(`[data-preset="${id}"]`).click();
    await expect
      .poll(() =>
        page.evaluate(
          () => (globalThis as unknown as Playground).vmaple.store.entries.value.length,
        ),
      )
      .toBe(calls);
    expect(complaints).toEqual([]);
  });
});

test.each([
  [1280, 860],
  [1280, 600],
  [420, 900],
])("a long log has its lines in sight only, at %d x %d", async (width, height) => {
  await using opened = await web.open({ context: { viewport: { width, height } } });
  const { page } = opened;
  await page.getByRole("button", { name: "Examples" }).click();
  await page.locator('[data-preset="python"]').click();
  await expect.poll(() => page.locator(".log-head").textContent()).toContain("of 1,258 made");
  expect(await lines(page).count()).toBeLessThan(80);
  await page.evaluate(() => (globalThis as unknown as Playground).vmaple.store.seek(1000));
  await expect.poll(() => page.locator("#log-999").getAttribute("aria-selected")).toBe("true");
  expect(await lines(page).count()).toBeLessThan(80);
});

describe("exports", () => {
  test.each([
    ["strace log", "vmaple.strace"],
    ["recording", "vmaple.ndjson"],
    ["maps", "vmaple.maps"],
    ["PNG of the bar", "vmaple.png"],
  ])("%s", async (button, file) => {
    await using opened = await web.open();
    const { page, complaints } = opened;
    await page.evaluate(() => (globalThis as unknown as Playground).vmaple.store.seek(5));
    await page.getByRole("button", { name: "Share" }).click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: button, exact: true }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(file);
    const bytes = await readFile((await download.path()) as string);
    if (file.endsWith("png")) expect([...bytes.subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
    else if (file.endsWith("strace")) expect(readStrace(bytes).rows).toHaveLength(5);
    else if (file.endsWith("ndjson")) {
      expect([...readRecording(bytes, file).steps].length).toBeGreaterThan(5);
    } else {
      const maps = await page.evaluate(() =>
        (globalThis as unknown as Playground).vmaple.store.machine.mm.maps(),
      );
      expect(bytes.toString()).toBe(maps);
    }
    expect(complaints).toEqual([]);
  });
});

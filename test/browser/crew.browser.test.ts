// The page in headless Chromium, as a reader meets it.
//
// Goal     the two workers run, the map on the page is the map of the engine, one call and
//          one wrong call can be made; without isolation the page says so and still works.
// Method   vite builds the page into a temporary folder; a small server sends it with and
//          without the isolation headers. Waits are on what the page shows, never on time,
//          but for the one second over which the counters must rise.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine, MmWithUser } from "../../src/index.js";
import { complaintsOf, ISOLATION, launchChromium, serveFolder } from "../support/browser.js";

declare global {
  /** What the page offers to the reader's console. */
  var vmaple: { readonly engine: Engine; readonly mm: MmWithUser };
}

const CONFIG = fileURLToPath(new URL("../../web/vite.config.ts", import.meta.url));

let browser: Browser;
let folder: string;

beforeAll(async () => {
  browser = await launchChromium();
  folder = await mkdtemp(join(tmpdir(), "vmaple-page-"));
  await build({
    configFile: CONFIG,
    logLevel: "warn",
    build: { outDir: folder, emptyOutDir: true, reportCompressedSize: false },
  });
});

afterAll(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly complaints: string[];
}

async function open(isolated: boolean): Promise<Opened> {
  const served = await serveFolder(folder, isolated ? ISOLATION : {});
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = complaintsOf(page);
  await page.goto(`${served.url}crew.html`);
  await page.waitForSelector("html[data-ready]", { state: "attached" });
  return {
    page,
    complaints,
    async [Symbol.asyncDispose]() {
      await page.close();
      await served[Symbol.asyncDispose]();
    },
  };
}

async function stop(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator("#crew-status", { hasText: "Stopped" }).waitFor();
}

/** A counter of the page. */
async function counter(page: Page, id: string): Promise<number> {
  return Number(((await page.locator(`#${id}`).textContent()) ?? "").replaceAll(",", ""));
}

/** The table's rows as lines of maps, without the padding before names. */
function tableLines(page: Page): Promise<string[]> {
  return page.$$eval("#map-rows tr", (rows) =>
    rows.map((row) => {
      const cell = (column: string) => row.querySelector(`.column-${column}`)?.textContent ?? "";
      return ["range", "perms", "offset", "dev", "inode", "name"].map(cell).join(" ").trim();
    }),
  );
}

/** The engine's own answer, read in the page but not by it. */
async function engineLines(page: Page): Promise<string[]> {
  const text = await page.evaluate(async () => {
    const guard = await globalThis.vmaple.mm.mmapReadLockAsync();
    try {
      return globalThis.vmaple.mm.maps();
    } finally {
      guard.dispose();
    }
  });
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/ +/g, " ").trim());
}

/** Types one line into the command line; the state and the text of its answer. */
async function call(page: Page, line: string): Promise<{ state: string; text: string }> {
  const before = await page.locator("#log li").count();
  await page.locator("#command").fill(line);
  await page.locator("#command").press("Enter");
  await page.waitForFunction((n) => document.querySelectorAll("#log li").length > n, before);
  const entry = page.locator("#log li").first();
  return {
    state: (await entry.getAttribute("data-state")) ?? "",
    text: (await entry.locator(".log-answer").textContent()) ?? "",
  };
}

describe("the isolated page", () => {
  test("runs two workers on one engine and shows its map", async () => {
    await using opened = await open(true);
    const { page, complaints } = opened;

    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.locator("#not-isolated").isVisible()).toBe(false);
    expect(page.workers()).toHaveLength(2);
    const slots = await page.evaluate(() =>
      globalThis.vmaple.engine.stats().workers.map(({ slot }) => slot),
    );
    expect(slots).toEqual([0, 1, 2]);

    await page.check("input[value=flat-out]");
    const before = await counter(page, "faulter-vma");
    const calls = await counter(page, "mapper-write");
    await page.waitForTimeout(1000);
    expect(await counter(page, "faulter-vma")).toBeGreaterThan(before);
    expect(await counter(page, "mapper-write")).toBeGreaterThan(calls);
    expect(await counter(page, "faulter-rate")).toBeGreaterThan(0);

    await stop(page);
    expect(await page.locator("#crew-status").textContent()).toContain("every invariant");
    const lines = await engineLines(page);
    expect(lines.length).toBeGreaterThan(10);
    expect(await tableLines(page)).toEqual(lines);
    expect(await page.locator("#bar [role=option]").count()).toBe(lines.length);
    expect(complaints).toEqual([]);
  });

  test("makes one call a line, and says why one is refused", async () => {
    await using opened = await open(true);
    const { page, complaints } = opened;

    // With the workers at it: the page's own thread must get its turn.
    await page.check("input[value=flat-out]");
    const mapped = await call(page, "mmap 64K rw");
    expect(mapped.state).toBe("ok");
    const address = /= 0x([0-9a-f]+)$/.exec(mapped.text)?.[1] ?? "";
    await stop(page);
    const start = Number.parseInt(address, 16);
    const rowAt = (at: number) => page.locator(`#map-rows tr[data-start="${at}"]`);
    expect(await rowAt(start).locator(".column-perms").textContent()).toBe("rw-p");

    expect((await call(page, "mprotect $+16K 4K none")).state).toBe("ok");
    await rowAt(start + 0x4000).waitFor();
    expect(
      await rowAt(start + 0x4000)
        .locator(".column-perms")
        .textContent(),
    ).toBe("---p");
    expect(await tableLines(page)).toEqual(await engineLines(page));

    const signal = await call(page, "fault $+16K write");
    expect(signal.state).toBe("signal");
    expect(signal.text).toContain("SIGSEGV (SEGV_ACCERR)");
    expect((await call(page, "fault $ write")).text).toContain("served");

    const refused = await call(page, "munmap 1234 4K");
    expect(refused).toEqual({
      state: "error",
      text: "EINVAL munmap(address=0x1234, length=0x1000): invalid argument",
    });
    const typo = await call(page, "mprotect $ 4K");
    expect(typo.text).toBe("syntax a PROT is missing. Usage: mprotect ADDRESS LENGTH PROT");
    expect(await page.locator("#command").inputValue()).toBe("mprotect $ 4K"); // kept, to be mended

    await page.locator("#command").press("ArrowUp");
    await page.locator("#command").press("ArrowUp");
    expect(await page.locator("#command").inputValue()).toBe("munmap 1234 4K");
    expect(complaints).toEqual([]);
  });

  test("links bar, table and command line", async () => {
    await using opened = await open(true);
    const { page, complaints } = opened;
    await stop(page);

    await page.locator("#bar").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    const second = page.locator("#map-rows tr").nth(1);
    expect(await second.getAttribute("class")).toContain("is-active");
    const range = (await second.locator(".column-range").textContent()) ?? "";
    expect(await page.locator("#readout-range").textContent()).toContain(range);

    await page.getByRole("button", { name: "mprotect" }).first().click();
    const start = range.split("-")[0] ?? "";
    expect(await page.locator("#command").inputValue()).toBe(`mprotect 0x${start} 56K r`);
    expect(complaints).toEqual([]);
  });
});

test("without isolation the page says so and works in one thread", async () => {
  await using opened = await open(false);
  const { page, complaints } = opened;

  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  const banner = page.locator("#not-isolated");
  await banner.waitFor({ state: "visible" });
  expect(await banner.textContent()).toContain("Cross-Origin-Opener-Policy: same-origin");
  expect(page.workers()).toHaveLength(0);

  const before = await counter(page, "faulter-vma");
  await expect.poll(() => counter(page, "faulter-vma")).toBeGreaterThan(before);
  expect((await call(page, "mmap 64K rw")).state).toBe("ok");
  await stop(page);
  expect(await tableLines(page)).toEqual(await engineLines(page));
  expect(complaints).toEqual([]);
});

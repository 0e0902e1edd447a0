// Files in headless Chromium: dropped or chosen, read in a worker, told about, compared.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Playground } from "../support/page-globals.js";
import { WebPage } from "../support/web-page.js";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

const ROOT = new URL("../../", import.meta.url);
const pathOf = (name: string) => fileURLToPath(new URL(name, ROOT));
const chooser = (page: Page) => page.locator("header input[type=file]");
const panel = (page: Page) => page.locator(".file");
const alert = (page: Page) => page.getByRole("alert");
const text = (name: string, body: string) => ({
  name,
  mimeType: "text/plain",
  buffer: Buffer.from(body),
});

/** Drops files on the page, as a hand does. */
async function drop(page: Page, files: readonly { name: string; body: string }[]): Promise<void> {
  const transfer = await page.evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const { name, body } of given) data.items.add(new File([body], name));
    return data;
  }, files);
  await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
  await page.waitForSelector(".drop-target");
  expect(await page.locator(".drop-target").textContent()).toContain("Nothing is sent anywhere");
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}

test("maps of a browser, gzipped: rows, totals, guard pages, what is where", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.method()));
  await chooser(page).setInputFiles(pathOf("fixtures/maps/chromium.maps.gz"));
  await expect.poll(() => panel(page).textContent()).toContain("852 mappings");
  expect(await panel(page).textContent()).toContain("Nothing is sent anywhere");
  expect(
    await page.evaluate(
      () => (globalThis as unknown as Playground).vmaple.store.moment.value.after.count,
    ),
  ).toBe(851);
  const maps = gunzipSync(readFileSync(pathOf("fixtures/maps/chromium.maps.gz"))).toString();
  const [line] = maps.split("\n").filter((entry) => entry.includes("libc.so"));
  await page.getByLabel("What is at this address").fill(`0x${line!.split("-")[0]}`);
  await expect.poll(() => panel(page).locator(".file-answer").textContent()).toContain("libc.so");
  await expect
    .poll(() =>
      page.evaluate(() => (globalThis as unknown as Playground).vmaple.store.selected.value),
    )
    .toBe(Number.parseInt(line!, 16));
  expect(requests.filter((method) => method !== "GET")).toEqual([]);
  expect(complaints).toEqual([]);
});

test("two maps that are dropped are compared; writable and executable is marked", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  await drop(page, [
    {
      name: "a.maps",
      body: "00400000-00401000 r--p 00000000 00:00 0 \n00500000-00501000 rwxp 00000000 00:00 0 \n",
    },
    { name: "b.maps", body: "00400000-00402000 r--p 00000000 00:00 0 \n" },
  ]);
  await expect
    .poll(() => panel(page).textContent())
    .toContain("b.maps: 1 removed, 0 added, 1 changed");
  expect(await panel(page).locator(".file-diff li").allTextContents()).toEqual([
    "- 00400000-00401000 r--p 00000000 00:00 0",
    "+ 00400000-00402000 r--p 00000000 00:00 0",
    "- 00500000-00501000 rwxp 00000000 00:00 0",
  ]);
  expect(await panel(page).locator(".chip.is-bad").textContent()).toBe("1");
  expect(complaints).toEqual([]);
});

test("a strace log: its calls are the log, each with what the kernel answered", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  await chooser(page).setInputFiles(pathOf("fixtures/strace/demo.strace.gz"));
  await expect.poll(() => panel(page).textContent()).toMatch(/strace: \d+ calls/);
  await expect
    .poll(() =>
      page.evaluate(() => (globalThis as unknown as Playground).vmaple.store.entries.value.length),
    )
    .toBeGreaterThan(50);
  await page.getByRole("tab", { name: "Log" }).click();
  expect(await page.locator(".log-line .chip").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("what is no file of these: one line, and the log that was there stays", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  const maps = () =>
    page.evaluate(() => (globalThis as unknown as Playground).vmaple.store.machine.mm.maps());
  const before = await maps();
  await chooser(page).setInputFiles([text("diary.txt", "Dear diary\n")]);
  await expect
    .poll(() => alert(page).textContent())
    .toContain(
      "diary.txt:1: expected maps, smaps, a strace or perf log, a recording or a trace, got other text",
    );
  expect(await maps()).toBe(before);
  await chooser(page).setInputFiles([
    text("half.maps", "00400000-00401000 r--p 00000000 00:00 0 \n00500000-005\n"),
  ]);
  await expect
    .poll(() => alert(page).textContent())
    .toMatch(/half\.maps:2: expected .*Everything else was read/);
  await expect
    .poll(() =>
      page.evaluate(
        () => (globalThis as unknown as Playground).vmaple.store.moment.value.after.count,
      ),
    )
    .toBe(1);
  expect(complaints).toEqual([]);
});

test("a log of 50 MB shows its progress, leaves the page alive, and can be cancelled", async () => {
  await using opened = await web.open();
  const { page, complaints } = opened;
  await page.evaluate(() => {
    const line = `${"x".repeat(60)}(1, 2) = 0\n`;
    const call = "munmap(0x7f0000000000, 4096) = 0\n";
    const body = `${call}${line.repeat(700_000)}${call}`;
    const data = new DataTransfer();
    data.items.add(new File([body], "large.strace"));
    const frames = { longest: 0, last: performance.now() };
    const tick = (now: number) => {
      frames.longest = Math.max(frames.longest, now - frames.last);
      frames.last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame((now) => {
      frames.last = now;
      requestAnimationFrame(tick);
    });
    Object.assign(globalThis, { frames });
    document.body.dispatchEvent(
      new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }),
    );
  });
  const progress = page.getByRole("progressbar", { name: "Reading large.strace" });
  await progress.waitFor();
  await expect.poll(() => progress.getAttribute("value").then(Number)).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect.poll(() => progress.count()).toBe(0);
  expect(await page.locator(".log-line").count()).toBe(5);
  const longest = await page.evaluate(
    () => (globalThis as unknown as { frames: { longest: number } }).frames.longest,
  );
  expect(longest).toBeLessThan(500); // a loaded machine; the page itself does nothing meanwhile
  expect(complaints).toEqual([]);
});

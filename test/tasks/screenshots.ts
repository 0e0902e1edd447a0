// Pictures of every view at two widths in both themes, for people to look at: build/screenshots.

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import type { Store } from "../../web/app/store.js";
import { WebPage } from "../support/web-page.js";

const FOLDER = fileURLToPath(new URL("../../build/screenshots", import.meta.url));
const SIZES = [
  { name: "wide", width: 1440, height: 900 },
  { name: "narrow", width: 420, height: 900 },
];
const THEMES = ["light", "dark"] as const;

const chooser = (page: Page) => page.locator("header input[type=file]");
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

/** How to come to each view from the freshly opened page. */
const VIEWS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  map: async () => {},
  presets: async (page) => {
    await page.getByRole("button", { name: "Examples" }).click();
  },
  why: async (page) => {
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await page.locator(".bar").focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: "Why" }).click();
  },
  file: async (page) => {
    await page.getByRole("tab", { name: "File" }).click();
  },
  mapped: async (page) => {
    await chooser(page).setInputFiles(fixture("maps/chromium.maps.gz"));
    await page.locator(".file-totals").waitFor();
  },
  diff: async (page) => {
    const [before, after] = ["before", "after"].map((name, i) => ({
      name: `${name}.maps`,
      mimeType: "text/plain",
      buffer: Buffer.from(
        `00400000-00401000 r--p 00000000 08:01 7 /bin/demo\n` +
          `00401000-0040${3 + i}000 rw-p 00000000 00:00 0 [heap]\n`,
      ),
    }));
    await chooser(page).setInputFiles([before!, after!]);
    await page.locator(".file-diff").waitFor();
  },
  traced: async (page) => {
    await chooser(page).setInputFiles(fixture("strace/demo.strace.gz"));
    await page
      .locator(".file")
      .getByText(/strace: \d+ calls/)
      .waitFor();
    await page.getByRole("tab", { name: "Log" }).click();
    for (let i = 0; i < 30; i++) await page.keyboard.press("n");
  },
  refused: async (page) => {
    await chooser(page).setInputFiles([
      { name: "diary.txt", mimeType: "text/plain", buffer: Buffer.from("Dear diary\n") },
    ]);
    await page.locator(".notice").waitFor();
  },
  embed: async (page) => {
    await page.goto(`${page.url().split("#")[0]}?embed=1`);
    await page.getByRole("button", { name: "Step", exact: true }).click();
  },
  command: async (page) => {
    await page.keyboard.press("c");
    await page.keyboard.type("mprot");
  },
  predict: async (page) => {
    await page.getByRole("tab", { name: "Predict" }).click();
    await page.locator(".predict-answer").nth(1).click();
    await page.getByRole("button", { name: "Check" }).click();
  },
  selected: async (page) => {
    await page.locator(".bar").focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowRight");
  },
  zoomed: async (page) => {
    await page.locator(".bar").focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
  },
  shortcuts: async (page) => {
    await page.keyboard.press("?");
  },
  large: async (page) => {
    await page.evaluate(async () => {
      const { store } = (globalThis as unknown as { vmaple: { store: Store } }).vmaple;
      const vmas = Array.from({ length: 65_530 }, (_, i) => ({
        start: 0x1000_0000_0000 + i * 0x2000,
        end: 0x1000_0000_0000 + i * 0x2000 + 0x1000,
        perms: ["rw-p", "r--p", "r-xp", "---p"][i % 4]!,
        offset: 0,
        inode: 0,
        name: "",
      }));
      await store.load({ options: { maxMapCount: 131_072 }, vmas }, []);
      store.selected.value = 0x1000_0000_0000 + 40_001 * 0x2000;
    });
  },
  race: async (page) => {
    await page.getByRole("button", { name: "Race", exact: true }).click();
    await page.getByRole("radio", { name: "1 s", exact: true }).check();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("img", { name: /^per-VMA locks: / }).waitFor();
    await page.getByRole("button", { name: "Kill the owner" }).click();
    await page.locator(".race-recovery").waitFor();
  },
  code: async (page) => {
    await page.getByRole("button", { name: "Code", exact: true }).click();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.locator(".chip.is-good").waitFor();
  },
  step: async (page) => {
    await page.getByRole("button", { name: "Step", exact: true }).click();
  },
};

export async function run(names: readonly string[]): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await using web = await WebPage.build();
  for (const [view, go] of Object.entries(VIEWS)) {
    if (names.length > 0 && !names.includes(view)) continue;
    for (const { name, width, height } of SIZES) {
      for (const colorScheme of THEMES) {
        const context = { viewport: { width, height }, colorScheme };
        await using opened = await web.open({ context });
        await go(opened.page);
        await opened.page.waitForTimeout(300);
        const path = `${FOLDER}/${view}-${name}-${colorScheme}.png`;
        await opened.page.screenshot({ path, fullPage: true });
        console.log(path, opened.complaints.join("; "));
      }
    }
  }
}

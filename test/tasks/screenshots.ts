// Pictures of every view at two widths in both themes, for people to look at: build/screenshots.

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { WebPage } from "../support/web-page.js";

const FOLDER = fileURLToPath(new URL("../../build/screenshots", import.meta.url));
const SIZES = [
  { name: "wide", width: 1440, height: 900 },
  { name: "narrow", width: 420, height: 900 },
];
const THEMES = ["light", "dark"] as const;

/** How to come to each view from the freshly opened page. */
const VIEWS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  map: async () => {},
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

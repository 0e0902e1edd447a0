// The author's view in headless Chromium: code runs, fails with its line, and can be stopped.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible } from "../support/axe.js";
import { type Opened, WebPage } from "../support/web-page.js";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

/** Not isolated: without the service worker that would mend it. */
async function openCode(isolated = true): Promise<Opened> {
  const opened = await web.open({
    path: "?view=code",
    isolated,
    context: {
      serviceWorkers: isolated ? "allow" : "block",
      permissions: ["clipboard-read", "clipboard-write"],
    },
  });
  await editor(opened.page).waitFor();
  return opened;
}

const editor = (page: Page) => page.getByRole("textbox", { name: "Code in TypeScript" });
const output = (page: Page) => page.getByRole("log", { name: "What the code printed" });

/** Types a snippet in place of what is there, and runs it with the keyboard. */
async function type(page: Page, source: string): Promise<void> {
  await editor(page).focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(source);
  await page.keyboard.press("Control+Enter");
}

test("the first example runs, and is copied for one's own project", async () => {
  await using opened = await openCode(false); // and needs no shared memory
  const { page } = opened;
  const source = (await editor(page).locator(".cm-line").allTextContents()).join("\n");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.locator(".chip.is-good", { hasText: "ms" }).waitFor();
  expect(await output(page).textContent()).toMatch(/rw-p .*\n.* r--p .*\n.* rw-p /);
  await page.getByRole("button", { name: "Copy the code" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(source);
  await expectAccessible(page);
});

test("errors are shown with their line, whichever way they come", async () => {
  await using opened = await openCode();
  const { page, complaints } = opened;
  const alert = page.getByRole("alert");
  const marked = page.locator(".snippet-bad-line");

  await type(
    page,
    'console.log("before");\nconst n: number = 1;\nthrow new RangeError("no " + n);',
  );
  await alert.waitFor();
  expect(await alert.textContent()).toBe("Line 3: RangeError: no 1");
  expect(await marked.textContent()).toContain("throw new RangeError");
  expect(await output(page).locator("pre").textContent()).toBe("before"); // what came before is kept

  await type(page, "const a = 1;\n\nconst b = ;");
  await expect.poll(() => alert.textContent()).toBe("Line 3: Unexpected token");

  await type(
    page,
    'import { Engine } from "vmaple";\nconst mm = (await Engine.create()).createMm();\nmm.munmap(0x1234, 4096);',
  );
  await expect
    .poll(() => alert.textContent())
    .toMatch(/^Line 3: MmError: EINVAL: munmap\(address=0x1234/);

  await type(page, 'import fs from "node:fs"; fs.readFileSync;');
  await expect.poll(() => alert.textContent()).toMatch(/^Line 1: TypeError: no module "node:fs"/);
  await page.emulateMedia({ colorScheme: "dark" });
  await expectAccessible(page);
  await editor(page).focus();
  await page.keyboard.type("x");
  expect(await marked.count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("an endless loop is stopped by its reader, or by the limit; a flood by its length", async () => {
  await using opened = await openCode();
  const { page, complaints } = opened;
  const alert = page.getByRole("alert");
  await type(page, 'console.log("on and on");\nwhile (true) {}');
  await output(page).getByText("on and on").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  expect(await alert.textContent()).toBe("Stopped.");
  await expect.poll(() => page.workers().length, { timeout: 5000 }).toBe(0);

  await type(page, "while (true) {}");
  await expect.poll(() => alert.count()).toBe(0);
  await page.getByText("Stopped after 5 seconds.").waitFor();

  await type(page, "for (;;) console.log(1);");
  await page.getByText("more than 500 lines").waitFor();
  expect(await output(page).locator("pre").count()).toBe(500);
  expect(complaints).toEqual([]);
});

// axe-core on the panes of log, files and examples, in both themes: no finding that is serious.

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible } from "../support/axe.js";
import { WebPage } from "../support/web-page.js";

const MAPS = fileURLToPath(new URL("../../fixtures/maps/demo.exec.maps.gz", import.meta.url));
const LATER = fileURLToPath(new URL("../../fixtures/maps/demo.last.maps.gz", import.meta.url));

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

test.each([
  ["light", 1280],
  ["dark", 420],
] as const)("%s, %d pixels", async (colorScheme, width) => {
  await using opened = await web.open({
    context: { colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" },
  });
  const { page, complaints } = opened;
  const command = page.getByRole("combobox", { name: "Command" });
  await command.fill("mprotect ");
  await page.getByRole("option", { name: /libc/ }).first().waitFor();
  await expectAccessible(page);
  await command.fill("mprotect 4Q");
  await command.press("Escape");
  await command.press("Enter");
  await page.getByRole("alert").waitFor();
  await expectAccessible(page);

  const chooser = page.locator("header input[type=file]");
  await chooser.setInputFiles([MAPS, LATER]);
  await page.locator(".file-diff").waitFor();
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Why" }).click();
  await expectAccessible(page);
  await chooser.setInputFiles([{ name: "x", mimeType: "text/plain", buffer: Buffer.from("x\n") }]);
  await page.locator(".notice").waitFor();
  await expectAccessible(page);

  for (const name of ["Examples", "Share"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByRole("dialog").waitFor();
    await expectAccessible(page);
    await page.keyboard.press("Escape");
  }
  expect(complaints).toEqual([]);
});

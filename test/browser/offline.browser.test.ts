// The built folder on a plain static host: from a sub-path, without headers, offline.
//
// Method   the build is served from a folder below the root by a server that sends no
//          isolation headers; the service worker has to add them. Offline is a server that
//          is gone, not a switch of the browser.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { complaintsOf, type Served, serveFolder } from "../support/browser.js";
import { WebPage } from "../support/web-page.js";

const PATH = "some/course/page/";
const BANNER = "not cross-origin isolated";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build();
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

interface Host extends AsyncDisposable {
  readonly served: Served;
  readonly folder: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** How often the page was loaded. */
  readonly loads: () => number;
  readonly complaints: string[];
}

/** A host that knows no headers, with a copy of the build deep below its root. */
async function host(serviceWorkers: "allow" | "block" = "allow"): Promise<Host> {
  const root = await mkdtemp(join(tmpdir(), "vmaple-host-"));
  const folder = join(root, PATH);
  await mkdir(folder, { recursive: true });
  await cp(web.folder, folder, { recursive: true });
  const frame = `<iframe src="${PATH}?embed=1" width="800" height="600"></iframe>`;
  await writeFile(join(root, "course.html"), `<title>course</title>${frame}`);
  await writeFile(join(root, "other.html"), "<title>another page of this host</title>");
  const served = await serveFolder(root, {});
  const context = await web.browser.newContext({ serviceWorkers });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  let loads = 0;
  page.on("load", () => loads++);
  return {
    served,
    folder,
    context,
    page,
    loads: () => loads,
    complaints: complaintsOf(page),
    async [Symbol.asyncDispose]() {
      await context.close();
      await served[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function ready(page: Page): Promise<void> {
  await page.waitForSelector("html[data-ready]", { state: "attached" });
}

const isIsolated = (page: Page) => page.evaluate(() => globalThis.crossOriginIsolated);

/** Opens the page and waits until it is isolated and every file of it is kept. */
async function visit({ page, served, folder }: Host): Promise<string> {
  const url = `${served.url}${PATH}`;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "sw.js").length;
  await page.goto(url);
  await page.waitForFunction(() => globalThis.crossOriginIsolated);
  await ready(page);
  await page.waitForFunction(async (all) => {
    const names = await caches.keys();
    const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return kept.flat().length === all;
  }, files);
  return url;
}

test("a host without headers: one reload, and the page shares memory", async () => {
  await using there = await host();
  const { page, loads, complaints } = there;
  await visit(there);
  expect(loads()).toBe(2);
  await page.reload();
  await ready(page);
  expect(loads()).toBe(3);
  expect(await isIsolated(page)).toBe(true);
  expect(await page.getByText(BANNER).count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("offline after the first visit, with every view", async () => {
  await using there = await host();
  const { page, complaints, served, context } = there;
  const url = await visit(there);
  await served[Symbol.asyncDispose]();

  const other = await context.newPage();
  other.setDefaultTimeout(15_000);
  const errors: string[] = [];
  other.on("pageerror", ({ message }) => errors.push(message));
  await expect(fetch(url)).rejects.toThrow(); // the host is really gone
  // On a busy machine Chromium has refused the first navigation of a new page in one run of ten
  // (net::ERR_FAILED, with every file kept); why is not known (docs/roadmap.md). A reader reloads.
  const open = () => other.goto(`${url}?embed=1`).then(() => "loaded", String);
  await expect.poll(open, { timeout: 15_000 }).toBe("loaded");
  await ready(other);
  expect(await isIsolated(other)).toBe(true);
  await page.reload();
  await ready(page);
  await page.getByRole("button", { name: "Race", exact: true }).click();
  await page.getByRole("heading", { name: "workers, one address space" }).waitFor();
  expect(errors).toEqual([]);
  // The browser itself asks for a newer service worker, and is told that nobody is there.
  expect(complaints.filter((line) => !line.includes("sw.js"))).toEqual([]);
});

/** Puts another version in place of what is served: other contents, another hash. */
async function publish(folder: string): Promise<void> {
  for (const name of ["index.html", "sw.js"]) {
    const text = await readFile(join(folder, name), "utf8");
    const next =
      name === "sw.js"
        ? text.replace(/`[0-9a-f]{16}`/, "`0123456789abcdef`")
        : text.replace("<title>", "<title>new: ");
    expect(next).not.toBe(text);
    await writeFile(join(folder, name), next);
  }
}

test("a new version is shown as soon as no page of the old one is open", async () => {
  await using there = await host();
  const { page, folder, context, served } = there;
  const url = await visit(there);
  await publish(folder);
  // A page of the same origin that the service worker does not control: it only looks.
  const outside = await context.newPage();
  await outside.goto(`${served.url}other.html`);
  const state = () =>
    outside.evaluate(async (scope) => {
      const registration = await navigator.serviceWorker.getRegistration(scope);
      await registration?.update();
      return registration?.waiting === null ? "active" : "waiting";
    }, url);
  await expect.poll(state, { timeout: 15_000 }).toBe("waiting");
  expect(await page.title()).not.toContain("new: ");
  await page.close();
  await expect.poll(state, { timeout: 15_000 }).toBe("active");
  const later = await context.newPage();
  await later.goto(url);
  await ready(later);
  expect(await later.title()).toContain("new: ");
  expect(await isIsolated(later)).toBe(true);
});

test("a page that is open says that there is a new version, and a button takes it", async () => {
  await using there = await host();
  const { page, folder, context, complaints } = there;
  const url = await visit(there);
  await publish(folder);
  const notice = page.locator(".notice", { hasText: "A new version of this page is ready." });
  expect(await notice.count()).toBe(0);
  await page.evaluate(async (scope) => {
    await (await navigator.serviceWorker.getRegistration(scope))!.update();
  }, url);
  await notice.waitFor();
  const second = await context.newPage(); // of the old version too
  await second.goto(url);
  await ready(second);
  for (const one of [page, second]) {
    // The second one's is about what the first has taken.
    await one.locator(".notice").getByRole("button", { name: "Reload" }).click();
    await expect.poll(() => one.title(), { timeout: 15_000 }).toContain("new: ");
    await ready(one);
    expect(await isIsolated(one)).toBe(true);
    expect(await one.locator(".notice").count()).toBe(0);
  }
  expect(complaints).toEqual([]);
});

test.each([
  ["service workers are blocked", "block"],
  ["the host has no sw.js", "allow"],
] as const)("%s: a banner, no reload, and the page works", async (_, serviceWorkers) => {
  await using there = await host(serviceWorkers);
  const { page, served, folder, loads } = there;
  await rm(join(folder, "sw.js"));
  await page.goto(`${served.url}${PATH}`);
  await ready(page);
  const banner = page.getByRole("status").filter({ hasText: BANNER });
  await banner.waitFor();
  expect(await banner.textContent()).toContain("Cross-Origin-Opener-Policy: same-origin");
  expect(await isIsolated(page)).toBe(false);
  const rows = page.locator(".line:not(.is-gone)");
  const before = await rows.count();
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await expect.poll(() => rows.count()).toBe(before + 2);
  await banner.getByRole("button", { name: "Dismiss" }).click();
  expect(await banner.count()).toBe(0);
  expect(loads()).toBe(1);
});

test("in a frame of another page nothing is reloaded and no banner shown", async () => {
  await using there = await host();
  const { page, served } = there;
  await page.goto(`${served.url}course.html`);
  const frame = page.frames().find((candidate) => candidate.url().includes("embed"));
  await frame!.waitForSelector("html[data-ready]", { state: "attached" });
  await frame!.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  expect(
    await frame!.evaluate(() => performance.getEntriesByType("navigation")[0]?.toJSON().type),
  ).toBe("navigate");
  expect(await frame!.getByText(BANNER).count()).toBe(0);
  expect(await frame!.getByRole("navigation", { name: "Views" }).isVisible()).toBe(false);
});

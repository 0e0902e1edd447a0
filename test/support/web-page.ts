// The built playground in headless Chromium: what every browser test of the page opens.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { build, type InlineConfig } from "vite";
import { complaintsOf, ISOLATION, launchChromium, serveFolder } from "./browser.js";

const CONFIG = fileURLToPath(new URL("../../web/vite.config.ts", import.meta.url));

export interface OpenOptions {
  /** Path and query behind the server's root. Default "". */
  readonly path?: string;
  /** With the two headers that give SharedArrayBuffer. Default true. */
  readonly isolated?: boolean;
  readonly context?: BrowserContextOptions;
  /** Runs in the page before its own scripts. */
  readonly before?: () => void;
}

export interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly url: string;
  /** Errors, warnings and failed requests so far: a test expects none. */
  readonly complaints: string[];
}

/** The page, built once into a temporary folder, and a browser to open it in. */
export class WebPage implements AsyncDisposable {
  private constructor(
    readonly browser: Browser,
    readonly folder: string,
  ) {}

  /** The playground, unless another page's `config` is given. */
  static async build(config: InlineConfig = { configFile: CONFIG }): Promise<WebPage> {
    const browser = await launchChromium();
    const folder = await mkdtemp(join(tmpdir(), "vmaple-page-"));
    await build({
      ...config,
      logLevel: "warn",
      build: { ...config.build, outDir: folder, emptyOutDir: true, reportCompressedSize: false },
    });
    return new WebPage(browser, folder);
  }

  /** Opens the page and waits until it is ready. */
  async open(options: OpenOptions = {}): Promise<Opened> {
    const { path = "", isolated = true, context = {}, before } = options;
    const served = await serveFolder(this.folder, isolated ? ISOLATION : {});
    const browserContext = await this.browser.newContext(context);
    const page = await browserContext.newPage();
    page.setDefaultTimeout(15_000);
    const complaints = complaintsOf(page);
    if (before !== undefined) await page.addInitScript(before);
    await page.goto(`${served.url}${path}`);
    await page.waitForSelector("html[data-ready]", { state: "attached" });
    return {
      page,
      url: served.url,
      complaints,
      async [Symbol.asyncDispose]() {
        await browserContext.close();
        await served[Symbol.asyncDispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

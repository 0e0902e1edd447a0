// The apps of fixtures/apps against the packed tarball: `npm run fixtures` lists them.
//
// Goal     whoever installs the package can use it with the tools they have, silently.
// Method   npm packs and installs it; each tool builds the app as its users would; Node or
//          headless Chromium runs it. The app says what came of its faults and its maps, as
//          JSON that is compared whole. A warning of a bundler or of the page is a failure.

import { fileURLToPath } from "node:url";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuild } from "esbuild";
import type { Browser } from "playwright-core";
import { rollup } from "rollup";
import { createServer, build as viteBuild } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import webpack from "webpack";
import { App, Installed, run } from "../support/app.js";
import { complaintsOf, ISOLATION, launchChromium, serveFolder } from "../support/browser.js";

/** npm packs and installs: seconds, and more on a busy machine. */
const SETUP_TIMEOUT_MS = 60_000;

let installed: Installed;
let browser: Browser;

beforeAll(async () => {
  installed = new Installed();
  browser = await launchChromium();
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  installed?.[Symbol.dispose]();
});

/** What a page says, and nothing but that. */
async function resultOf(url: string): Promise<unknown> {
  const page = await browser.newPage();
  try {
    const complaints = complaintsOf(page);
    await page.goto(url);
    const root = page.locator("html[data-result]");
    await root.waitFor({ state: "attached", timeout: 20_000 });
    const text = (await root.getAttribute("data-result")) ?? "";
    expect(complaints).toEqual([]);
    return JSON.parse(text);
  } finally {
    await page.close();
  }
}

async function served(output: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  await using server = await serveFolder(output, headers);
  return await resultOf(server.url);
}

/** Two workers served all 16 pages; mprotect cut one VMA into two. */
const WITH_WORKERS = { faults: [16, 16], lines: 2, problems: [], sound: true };

describe("Node", () => {
  test("import", () => {
    using app = new App("node-esm", installed);
    expect(app.node("app.mjs")).toEqual({ ...WITH_WORKERS, seats: [0, 0] });
  });

  test("require", () => {
    using app = new App("node-require", installed);
    expect(app.node("app.cjs")).toEqual({ vmas: 1, same: true });
  });

  test("require of old: refused, and import works", () => {
    if (!process.allowedNodeEnvironmentFlags.has("--no-experimental-require-module")) {
      expect(process.features).not.toHaveProperty("require_module"); // all there is here
      return;
    }
    using app = new App("node-require", installed);
    const flag = "--no-experimental-require-module";
    expect(app.node("app.cjs", flag)).toEqual({ vmas: 1, same: true });
  });

  test("a server-side import", () => {
    using app = new App("server", installed);
    const subpaths = ["", "/comlink", "/maps", "/perf", "/process", "/strace", "/testing", "/why"];
    expect(app.node("app.mjs")).toEqual({
      names: Object.fromEntries(subpaths.map((subpath) => [`vmaple${subpath}`, true])),
      added: [],
      refusal: "TypeError",
    });
  });
});

const TSC = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));

test.each([
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])("TypeScript, module %s, resolution %s", (module, moduleResolution) => {
  using app = new App("typescript", installed);
  const lib = "es2022,esnext.disposable,dom";
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
  const target = ["--target", "es2022", "--lib", lib, "--types", ""];
  const how = ["--module", module, "--moduleResolution", moduleResolution, "--noEmit"];
  expect(run(app.folder, process.execPath, TSC, ...strict, ...target, ...how, "app.mts")).toBe("");
});

/** Each builds the page as its users would, and returns where it put it. */
const BUNDLERS: Readonly<Record<string, (app: App) => Promise<string>>> = {
  async vite(app) {
    const warnings: string[] = [];
    await viteBuild({
      root: app.folder,
      configFile: false,
      logLevel: "silent",
      build: {
        target: "es2022",
        rollupOptions: { onwarn: ({ message }) => warnings.push(message) },
      },
    });
    expect(warnings).toEqual([]);
    return app.path("dist");
  },
  async webpack(app) {
    const output = app.path("dist");
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack(
        {
          mode: "production",
          context: app.folder,
          entry: "./main.js",
          output: { path: output, filename: "main.js" },
          performance: { hints: false },
        },
        (error, built) => (error === null ? resolve(built) : reject(error)),
      );
    });
    const { errors = [], warnings = [] } = stats!.toJson({
      all: false,
      errors: true,
      warnings: true,
    });
    expect([...errors, ...warnings].map(({ message }) => message)).toEqual([]);
    return output;
  },
  async rollup(app) {
    const output = app.path("dist");
    const logs: string[] = [];
    const bundle = await rollup({
      input: { main: app.path("main.js"), worker: app.path("worker.js") },
      plugins: [nodeResolve({ browser: true, rootDir: app.folder })],
      onLog: (_, { message }) => logs.push(message),
    });
    await bundle.write({ dir: output, format: "es" });
    expect(logs).toEqual([]);
    return output;
  },
  async esbuild(app) {
    const output = app.path("dist");
    const { errors, warnings } = await esbuild({
      absWorkingDir: app.folder,
      entryPoints: ["main.js", "worker.js"],
      outdir: output,
      bundle: true,
      minify: true,
      format: "esm",
      logLevel: "silent",
    });
    expect([...errors, ...warnings]).toEqual([]);
    return output;
  },
};

describe("a page", () => {
  test.each(Object.keys(BUNDLERS))("by %s", async (name) => {
    using app = new App("page", installed);
    const output = app.complete(await BUNDLERS[name]!(app));
    expect(await served(output, ISOLATION)).toEqual({ ...WITH_WORKERS, fileSeat: 0 });
  });

  test("by vite's dev server", async () => {
    using app = new App("page", installed);
    app.complete(app.folder);
    const server = await createServer({
      root: app.folder,
      configFile: false,
      logLevel: "silent",
      server: { host: "127.0.0.1", port: 0, headers: ISOLATION, hmr: false },
    });
    try {
      await server.listen();
      const [url] = server.resolvedUrls?.local ?? [];
      expect(await resultOf(url!)).toEqual({ ...WITH_WORKERS, fileSeat: 0 });
    } finally {
      await server.close();
    }
  });

  test("without a bundler", async () => {
    using app = new App("import-map", installed);
    expect(await served(app.folder, ISOLATION)).toEqual({
      lines: ["/dev/zero (deleted)"],
      seat: 0,
    });
  });

  test("under a strict content security policy", async () => {
    using app = new App("page", installed);
    const output = app.complete(await BUNDLERS["esbuild"]!(app));
    const policy = [
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "worker-src 'self'",
      "connect-src 'self'", // for the wasm as a file
      "img-src data:", // the empty icon
    ];
    const headers = { ...ISOLATION, "Content-Security-Policy": policy.join("; ") };
    expect(await served(output, headers)).toEqual({ ...WITH_WORKERS, fileSeat: 0 });
  });

  test("without cross-origin isolation", async () => {
    using app = new App("page", installed);
    const output = app.complete(await BUNDLERS["esbuild"]!(app));
    expect(await served(output, {})).toEqual({
      ...WITH_WORKERS,
      faults: [16],
      refusal: expect.stringMatching(/^TypeError: no SharedArrayBuffer here: isolate the page/),
    });
  });
});

// An app of fixtures/apps in a folder of its own, with the packed package installed in it.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const { pack } = (await import(new URL("../../scripts/lib/pack.mjs", import.meta.url).href)) as {
  pack(folder: string, source: string): string;
};

const TIMEOUT_MS = 60_000;

/** What one command printed; it must have succeeded, and ended by itself. */
export function run(cwd: string, command: string, ...args: string[]): string {
  const options = { cwd, encoding: "utf8", timeout: TIMEOUT_MS } as const;
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: exit ${status}\n${stdout}${stderr}${error ?? ""}`);
}

/** A folder in which npm has installed the packed package, without asking any registry. */
export class Installed implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "vmaple-installed-"));

  constructor() {
    const tarballs = [ROOT, join(ROOT, "node_modules/comlink")].map((source) =>
      pack(this.folder, source),
    );
    const options = ["--offline", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
    writeFileSync(join(this.folder, "package.json"), '{ "private": true }');
    run(this.folder, "npm", "install", ...options, ...tarballs);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class App implements Disposable {
  readonly folder: string;

  constructor(name: string, installed: Installed) {
    this.folder = mkdtempSync(join(tmpdir(), `vmaple-${name}-`));
    cpSync(join(ROOT, "fixtures/apps", name), this.folder, { recursive: true });
    cpSync(join(installed.folder, "node_modules"), this.path("node_modules"), { recursive: true });
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** What the app prints as JSON when Node runs it. */
  node(file: string, ...flags: string[]): unknown {
    return JSON.parse(run(this.folder, process.execPath, ...flags, this.path(file)));
  }

  /** Adds what no bundler copies to what one made; its folder. */
  complete(output: string): string {
    for (const name of ["index.html", "main.js"]) {
      const target = join(output, name);
      if (!existsSync(target)) cpSync(this.path(name), target);
    }
    cpSync(this.path("node_modules/vmaple/dist/engine.wasm"), join(output, "engine.wasm"));
    return output;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// What the readers weigh in somebody's bundle, minified and compressed; and that they
// bring no wasm.

import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

/** The bundler that vite brings. */
interface Bundler {
  rolldown(options: { input: string }): Promise<{
    generate(options: object): Promise<{ output: { code?: string; moduleIds?: string[] }[] }>;
  }>;
}

const BUDGET = 4096;

test.each(["maps", "strace", "perf"])("vmaple/%s", async (name) => {
  const bundler: string = "rolldown";
  const { rolldown } = (await import(bundler)) as Bundler;
  const input = new URL(`../../src/formats/${name}.ts`, import.meta.url).pathname;
  const bundle = await rolldown({ input });
  const { output } = await bundle.generate({ format: "es", minify: true });
  const code = output.map((chunk) => chunk.code ?? "").join("");
  expect(gzipSync(code).length).toBeLessThan(BUDGET);
  const modules = output.flatMap((chunk) => chunk.moduleIds ?? []);
  expect(modules.filter((id) => !id.includes("/src/formats/"))).toEqual([]);
  expect(code).not.toContain("WebAssembly");
});

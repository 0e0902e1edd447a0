// npm run kill-test -- --browser [--kills N] [--seed N]: terminates workers of a page in
// headless Chromium at random moments (test/browser/thread).

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Exit status: 0 if nothing hangs and the space is sound after each round. */
export async function killInBrowser(kills, seed) {
  const { module } = await runnerImport(join(ROOT, "test/browser/thread/command.ts"), {
    configFile: false,
    oxc: { target: "node20" },
    logLevel: "error",
  });
  return module.main(kills, seed, (line) => process.stdout.write(`${line}\n`));
}

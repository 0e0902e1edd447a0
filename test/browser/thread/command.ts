// `npm run kill-test -- --browser`: workers terminated at random in headless Chromium.

import { WebPage } from "../../support/web-page.js";
import { threadPage } from "./config.js";
import type { Thread } from "./page.js";

declare global {
  var thread: Thread;
}

/** The command: 0 if nothing hangs, leaks a seat or is not sound. */
export async function main(
  kills: number,
  seed: number,
  print: (line: string) => void,
): Promise<number> {
  print(`kill-test: ${kills} kills in Chromium, seed ${seed}`);
  const web = await WebPage.build(threadPage);
  try {
    const opened = await web.open();
    const task = { kills, seed };
    const report = await opened.page.evaluate((t) => thread.killWorkers(t.kills, t.seed), task);
    for (const line of opened.complaints) print(line);
    print(
      `${report.kills} workers terminated, ${report.rejected} calls rejected: 0 hangs; ` +
        `a sound space after each of ${report.rounds} rounds`,
    );
    await opened[Symbol.asyncDispose]();
    return opened.complaints.length === 0 ? 0 : 1;
  } catch (error) {
    print(`${(error as Error).message} (seed ${seed})`);
    return 1;
  } finally {
    await web[Symbol.asyncDispose]();
  }
}

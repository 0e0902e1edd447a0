// Frames and long tasks of the page with 65,530 VMAs and a log of 100,000 calls.
//
//   npm run web:perf
//
// Each activity runs for a few seconds with one input a frame, as a hand on the mouse makes
// them; printed are frames a second, what a frame costs the page's thread in CPU time (which a
// busy machine does not change), frame times, and tasks above 50 ms. Exit status 1 below 50
// frames a second, or above the 20 ms of CPU a frame that those leave.

import type { Page } from "playwright-core";
import type { Store } from "../../web/app/store.js";
import { WebPage } from "../support/web-page.js";

/** What the page offers to the reader's console. */
type Offered = typeof globalThis & { readonly vmaple: { readonly store: Store } };

const VMAS = 65_530;
const CALLS = 100_000;
const SECONDS = 4;
const FRAMES_WANTED = 50;
/** That many frames a second leave each so long. */
const CPU_WANTED_MS = 1000 / FRAMES_WANTED;
/** What the page's thread does, by the names of Chromium's metrics; the rest of Task is paint. */
const WORK = ["Task", "Script", "RecalcStyle", "Layout"] as const;

interface Report {
  readonly seconds: number;
  readonly frames: number;
  /** ms between frames. */
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
  /** ms of each task above 50 ms. */
  readonly longTasks: readonly number[];
}

/** What is done once a frame, in the page; `at` runs from 0 to 1 and back. */
const ACTIVITIES: Readonly<Record<string, string>> = {
  nothing: "",
  "scroll the table": `
    const grid = document.querySelector(".grid");
    grid.scrollTop = at * (grid.scrollHeight - grid.clientHeight);`,
  "scrub the log": `
    const scrubber = document.querySelector(".scrubber");
    scrubber.value = String(Math.round(at * ${CALLS}));
    scrubber.dispatchEvent(new Event("input", { bubbles: true }));`,
  "step back": `
    const { cursor } = vmaple.store;
    vmaple.store.seek((cursor.value || ${CALLS}) - 1);`,
  "step on": `
    const { cursor } = vmaple.store;
    vmaple.store.seek(cursor.value < ${CALLS} ? cursor.value + 1 : 0);`,
  "hover the bar": `
    const bar = document.querySelector(".bar");
    const box = bar.getBoundingClientRect();
    bar.dispatchEvent(new PointerEvent("pointermove",
      { bubbles: true, clientX: box.left + at * box.width, clientY: box.top + 30 }));`,
  "hover the tree": `
    const forest = document.querySelector(".whole-tree-box");
    const box = forest.getBoundingClientRect();
    forest.dispatchEvent(new PointerEvent("pointermove",
      { bubbles: true, clientX: box.left + at * box.width, clientY: box.bottom - 6 }));`,
  "zoom the tree": `
    const whole = document.querySelector(".whole-tree-box");
    const box = whole.getBoundingClientRect();
    whole.dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, ctrlKey: true,
      deltaY: at < 0.5 ? -40 : 40, clientX: box.left + box.width / 3, clientY: box.bottom - 6 }));`,
  "zoom the bar": `
    const middle = 0x100000000000 + 65530 * 4096;
    const half = 2 ** (12 + at * 34);
    vmaple.store.window.value =
      { start: Math.max(0, middle - half), end: Math.min(vmaple.store.taskSize, middle + half) };`,
};

export async function run(): Promise<void> {
  await using web = await WebPage.build();
  const context = { viewport: { width: 1440, height: 900 } };
  await using opened = await web.open({ context });
  const { page } = opened;
  console.log(`first picture after ${await firstPicture(page)} ms (served from localhost)`);
  const load = await page.evaluate(loadInPage, { vmas: VMAS, calls: CALLS });
  console.log(
    `load: ${VMAS} VMAs and ${CALLS} calls in ${load.ms.toFixed(0)} ms, ` +
      `longest task ${load.longest.toFixed(0)} ms, ${load.rows} rows at the end`,
  );
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  /** Seconds of CPU that the page's thread has spent so far, in all and by kind of work. */
  const spent = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (kind: string) => metrics.find(({ name }) => name === `${kind}Duration`)!.value;
    return WORK.map(of);
  };
  let slow = 0;
  for (const [name, code] of Object.entries(ACTIVITIES)) {
    const before = await spent();
    const report = await page.evaluate(runInPage, { code, seconds: SECONDS });
    const after = await spent();
    const costs = WORK.map((_, i) => ((after[i]! - before[i]!) / report.frames) * 1000);
    console.log(line(name, report, costs));
    if (report.frames / report.seconds < FRAMES_WANTED || costs[0]! > CPU_WANTED_MS) slow++;
  }
  for (const complaint of opened.complaints) console.log(complaint);
  if (slow > 0) process.exitCode = 1;
}

/** @param costs ms of CPU a frame, as WORK */
function line(name: string, report: Report, costs: readonly number[]): string {
  const { frames, seconds, median, p95, worst, longTasks } = report;
  const [all, script, style, layout] = costs.map((ms) => ms.toFixed(1));
  const total = longTasks.reduce((sum, ms) => sum + ms, 0);
  return (
    `${name.padEnd(18)} ${(frames / seconds).toFixed(1).padStart(5)} frames/s, ` +
    `${all!.padStart(5)} CPU ms a frame (script ${script}, style ${style}, layout ${layout}), ` +
    `frame ${median.toFixed(1)} ms median, ${p95.toFixed(1)} p95, ${worst.toFixed(1)} worst; ` +
    `${longTasks.length} long tasks, ${total.toFixed(0)} ms`
  );
}

/** ms from the start of the navigation. */
async function firstPicture(page: Page): Promise<string> {
  const ms = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
  );
  return ms.toFixed(0);
}

async function loadInPage({ vmas, calls }: { vmas: number; calls: number }) {
  const base = 0x1000_0000_0000;
  const tasks: number[] = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration);
  }).observe({ entryTypes: ["longtask"] });
  const start = {
    options: { maxMapCount: 131_072 },
    vmas: Array.from({ length: vmas }, (_, i) => ({
      start: base + i * 0x2000,
      end: base + i * 0x2000 + (i % 3 === 0 ? 0x2000 : 0x1000),
      perms: ["rw-p", "r--p", "r-xp", "---p"][i % 4]!,
      offset: 0,
      inode: 0,
      name: "",
    })),
  };
  const planned = Array.from({ length: calls }, (_, i) => {
    const address = base + ((i * 7919) % vmas) * 0x2000;
    if (i % 2 === 0) {
      return { call: { op: "mprotect" as const, args: [address, 0x1000, (i >> 1) % 4], text: "" } };
    }
    const args = [address, 0x1000, 3, 0x32, -1, 0];
    return { call: { op: "mmap" as const, args, text: "" } };
  });
  const from = performance.now();
  const { store } = (globalThis as unknown as Offered).vmaple;
  await store.load(start, planned);
  const ms = performance.now() - from;
  await new Promise((resolve) => setTimeout(resolve, 200));
  const rows = store.moment.value.after.count;
  return { ms, longest: Math.max(0, ...tasks), rows };
}

async function runInPage({ code, seconds }: { code: string; seconds: number }): Promise<Report> {
  const act = new Function("at", code) as (at: number) => void;
  const longTasks: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longTasks.push(duration);
  });
  observer.observe({ entryTypes: ["longtask"] });
  const frames: number[] = [];
  await new Promise<void>((resolve) => {
    let first = 0;
    let last = 0;
    const frame = (now: number) => {
      if (first === 0) first = now;
      else frames.push(now - last);
      last = now;
      const share = (now - first) / (seconds * 1000);
      if (share >= 1) return resolve();
      act(1 - Math.abs(1 - 2 * share));
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  observer.disconnect();
  frames.sort((a, b) => a - b);
  return {
    seconds: frames.reduce((sum, ms) => sum + ms, 0) / 1000,
    frames: frames.length,
    median: frames[frames.length >> 1]!,
    p95: frames[Math.floor(frames.length * 0.95)]!,
    worst: frames.at(-1)!,
    longTasks,
  };
}

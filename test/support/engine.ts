// Engines for tests: the verify build, in which every assertion of the core is on.

import { readFileSync } from "node:fs";
import { afterEach, expect } from "vitest";
import {
  Engine,
  type EngineOptions,
  MapFlags,
  type MmOptions,
  type MmWithUser,
  Prot,
} from "../../src/index.js";
import { assertSound } from "../../src/testing.js";

export const PAGE = 4096;
export const RW = Prot.READ | Prot.WRITE;
export const PRIVATE_ANON = MapFlags.PRIVATE | MapFlags.ANONYMOUS;
export const SHARED_ANON = MapFlags.SHARED | MapFlags.ANONYMOUS;

const MIB = 1024 * 1024;
const VERIFY = new URL("../../build/engine.verify.wasm", import.meta.url);
const verifyModule = new WebAssembly.Module(readFileSync(VERIFY));
const engines: Engine[] = [];

/** A small engine of the verify build; disposed after the test. */
export async function freshEngine(options: EngineOptions = {}): Promise<Engine> {
  const wasm = options.shared === false ? readFileSync(VERIFY) : verifyModule;
  const engine = await Engine.create({ memoryBytes: 8 * MIB, maxWorkers: 8, wasm, ...options });
  engines.push(engine);
  return engine;
}

/** Another seat on the same arena, in this thread; disposed after the test. */
export async function attachSeat(engine: Engine): Promise<Engine> {
  const seat = await Engine.attach(engine.share());
  engines.push(seat);
  return seat;
}

afterEach(() => {
  for (const engine of engines.splice(0).reverse()) {
    try {
      engine.dispose();
    } catch {
      // A failed test may leave locks behind; its own error says why.
    }
  }
});

/** A space without limits, as the page model of `vmaple/testing` has it. */
export function unlimited(pages: number): MmOptions {
  const free = Number.POSITIVE_INFINITY;
  return {
    taskSize: pages * PAGE,
    overcommit: "always",
    rlimits: { as: free, data: free, memlock: free, stack: free },
  };
}

/** Where drawn maps begin. */
export const BASE = 0x10000000;

const PROTS: Readonly<Record<string, number>> = {
  W: RW,
  R: Prot.READ,
  N: Prot.NONE,
  X: Prot.READ | Prot.EXEC,
};

/**
 * Maps a drawing at BASE, one letter a page: W rw, R read-only, X r-x, N no access,
 * `.` unmapped. Like neighbours become one VMA.
 */
export function draw(mm: MmWithUser, drawing: string): void {
  [...drawing].forEach((letter, page) => {
    const prot = PROTS[letter];
    if (prot === undefined) return;
    const flags = PRIVATE_ANON | MapFlags.FIXED;
    mm.mmap({ address: BASE + page * PAGE, length: PAGE, prot, flags });
  });
}

/** The drawing of what is mapped at BASE; `|` where one VMA ends and another begins. */
export function drawingOf(mm: MmWithUser): string {
  let text = "";
  let at = BASE;
  for (const vma of mm.vmas()) {
    if (vma.start < BASE) continue;
    text += ".".repeat((vma.start - at) / PAGE);
    if (text !== "" && !text.endsWith(".")) text += "|";
    const letter = Object.entries(PROTS).find(([, prot]) => prot === vma.flags % 8)?.[0] ?? "?";
    text += letter.repeat((vma.end - vma.start) / PAGE);
    at = vma.end;
  }
  return text;
}

/** The drawing after a call, the space being sound. */
export function expectMap(mm: MmWithUser, drawing: string): void {
  expect(drawingOf(mm)).toBe(drawing);
  assertSound(mm.validate());
}

/** Sum of objects in use, all kinds. */
export function liveObjects(engine: Engine): number {
  return Object.values(engine.stats().memory.kinds).reduce((sum, { live }) => sum + live, 0);
}

// Readers beside a writer, on real threads.
//
// Goal     mt_load without a lock never traps and never returns a word that nobody stored
//          (W1, W2), while nodes are split, joined, freed and reused at other levels and
//          by another tree.
// Method   every stored entry carries a mark; two workers load random pages and count what
//          lacks it.

import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { freshArena, Prng, REGION } from "../support/maple";

const MARK = 0x5a000000;
const PAGES = 6000;
const ROUNDS = 400;

const READER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { bytes, memory, flag, seat, mark, pages, border } = workerData;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  exports.attach(seat);
  const words = new Int32Array(memory.buffer);
  parentPort.postMessage("ready");
  let loads = 0, alien = 0, state = seat * 7919 + 1, trap = "";
  try {
    while (Atomics.load(words, flag) === 0) {
      for (let i = 0; i < 2000; i++, loads++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        const page = (state >>> 8) % pages;
        const entry = exports.tree_load(state & 64 ? page : border - pages / 2 + page);
        if (entry !== 0 && (entry & 0xff000000) !== mark) alien++;
      }
    }
  } catch (error) { trap = String(error); }
  parentPort.postMessage({ loads, alien, trap });
`;

function wreck(arena: ReturnType<typeof freshArena>, prng: Prng, round: number): void {
  const { maple } = arena;
  const at = round % 2 ? 0 : REGION - PAGES / 2;
  for (let i = 0; i < 3000; i++) {
    const first = at + prng.below(PAGES - 1);
    const wide = prng.below(60) === 0 ? 800 : 5;
    const end = Math.min(at + PAGES, first + 1 + prng.below(wide));
    maple.tree_store(first, end, prng.below(3) === 0 ? 0 : MARK + prng.below(1 << 24));
  }
  expect(maple.tree_validate()).toBe(0);
  // Nodes change trees and levels.
  if (round % 4 === 0) expect(maple.tree_dup()).toBe(0);
  if (round % 3 === 0) maple.tree_destroy();
  if (round % 4 === 0) maple.twin_destroy();
}

test("lock-free loads beside a writer find nodes and stored entries only", async () => {
  const arena = freshArena({ regions: 2 });
  const flag = (arena.maple.streams() + 1024) >> 2;
  const bytes = readFileSync(new URL("../../build/maple-bench.verify.wasm", import.meta.url));
  const shared = { bytes, memory: arena.memory, flag, mark: MARK, pages: PAGES, border: REGION };
  const readers = [1, 2].map((seat) => {
    // Both readers use seat 1: mt_load touches no seat.
    return new Worker(READER, { eval: true, workerData: { ...shared, seat: Math.min(seat, 1) } });
  });
  type Tally = { loads: number; alien: number; trap: string };
  const next = (worker: Worker) =>
    new Promise<unknown>((resolve, reject) =>
      worker.once("message", resolve).once("error", reject),
    );
  await Promise.all(readers.map(next));
  const tallies = Promise.all(readers.map(next)) as Promise<Tally[]>;
  const prng = new Prng(77);
  for (let round = 0; round < ROUNDS; round++) wreck(arena, prng, round);
  Atomics.store(new Int32Array(arena.memory.buffer), flag, 1);
  for (const { loads, alien, trap } of await tallies) {
    expect(trap).toBe("");
    expect(alien).toBe(0);
    expect(loads).toBeGreaterThan(0);
  }
  await Promise.all(readers.map((worker) => worker.terminate()));
});

// Builds the machine, runs a guest program on it and tells what became of it; then what a call
// from wasm to wasm costs. `npm run example`; with --json the outcome only.

import { Engine, MapFlags, Prot, permsOf } from "vmaple";
import { compile } from "../compile.mjs";

const PAGE = 4096;
const PAGES = 64;
const R = { result: 0, address: 1, length: 2, prot: 3, flags: 4, start: 8, n: 9, sum: 10, end: 11 };

/** One instruction: eight bytes. */
function instruction(op, a = 0, b = 0, c = 0, immediate = 0) {
  const bytes = Uint8Array.of(op, a, b, c, 0, 0, 0, 0);
  new DataView(bytes.buffer).setInt32(4, immediate, true);
  return bytes;
}

const li = (a, value) => instruction(1, a, 0, 0, value);
const add = (a, b, c) => instruction(2, a, b, c);
const addi = (a, b, value) => instruction(3, a, b, 0, value);
const load = (a, b, offset = 0) => instruction(4, a, b, 0, offset);
const store = (a, b, offset = 0) => instruction(5, a, b, 0, offset);
const bne = (a, b, by) => instruction(6, a, b, 0, by);
const syscall = () => instruction(7);

/** Maps pages, numbers them, adds the numbers up, takes the right to write, and writes. */
const PROGRAM = [
  li(R.address, 0),
  li(R.length, PAGES * PAGE),
  li(R.prot, Prot.READ | Prot.WRITE),
  li(R.flags, MapFlags.PRIVATE | MapFlags.ANONYMOUS),
  li(R.result, 9), // mmap
  syscall(),
  addi(R.start, R.result, 0),
  addi(R.end, R.start, PAGES * PAGE),
  addi(R.address, R.start, 0),
  li(R.n, 0),
  addi(R.n, R.n, 1), // loop: store
  store(R.n, R.address),
  addi(R.address, R.address, PAGE),
  bne(R.address, R.end, -4),
  addi(R.address, R.start, 0),
  li(R.sum, 0),
  load(R.n, R.address), // loop: load
  add(R.sum, R.sum, R.n),
  addi(R.address, R.address, PAGE),
  bne(R.address, R.end, -4),
  addi(R.address, R.start, 0),
  li(R.length, PAGE),
  li(R.prot, Prot.READ),
  li(R.result, 10), // mprotect
  syscall(),
  store(R.n, R.start), // SIGSEGV
  instruction(0),
];

async function main() {
  const engine = await Engine.create();
  const mm = engine.createMm();
  const space = mm.asRaw();
  const vmaple = engine.raw.exports;
  const env = { abort: () => undefined };
  const module = await compile(new URL("./machine.ts", import.meta.url), "--initialMemory", "16");
  const { exports: machine } = await WebAssembly.instantiate(module, { vmaple, env });
  const code = new Uint8Array(machine.memory.buffer, machine.CODE.value);
  for (const [n, bytes] of PROGRAM.entries()) code.set(bytes, n * bytes.length);

  const executed = machine.run(space, 1e6);
  const outcome = {
    executed,
    sum: Number(machine.register(R.sum)),
    trap: machine.trapped(),
    misses: machine.tlb_misses(),
    perms: mm.vmas().map((vma) => `${(vma.end - vma.start) / PAGE} ${permsOf(vma.flags)}`),
    sound: mm.validate().length === 0,
  };
  console.log(JSON.stringify(outcome));
  if (process.argv.includes("--json")) return;

  const start = machine.register(R.start);
  const address = Number(start);
  const N = 2e6;
  const { raw } = engine;
  print("per-VMA lock and unlock, from wasm", N, () => machine.lock_pairs(space, start, N));
  print("the same from JavaScript", N, () => {
    for (let n = 0; n < N; n++) raw.vmaEndRead(raw.lockVmaUnderRcu(space, address));
  });
  print("mm_lock_seq, from wasm", N, () => machine.sequences(space, N));
  print("a guest access, TLB hit", N, () => machine.translations(space, start, PAGES, N));
}

/** The best of five, after one to warm up. */
function print(what, n, task) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; round++) {
    const started = performance.now();
    task();
    if (round > 0) best = Math.min(best, performance.now() - started);
  }
  console.log(`${what.padEnd(36)} ${((best * 1e6) / n).toFixed(1).padStart(6)} ns`);
}

await main();

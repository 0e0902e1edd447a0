// Kills a worker at every step of every scenario, has another one reap it, and looks.
//
//   in order   one fiber after the other, each once the first: killed before its 1st, 2nd, ...
//              access; and whoever waits at that moment instead, if somebody does
//   between    the first is interrupted there, the others run as far as they can, and it dies
//              when it goes on
//   at random  schedules with pre-emptions, killed at a random step
//
// Every time: nobody hangs; right after the reaping the spaces are as before or as after the
// call that was interrupted (where no other call is half-way); in the end every space
// validates, no lock is held, every object is in use or on one free list, and nothing is in
// use once all references are given back.

import type { Core } from "./exports";
import { MAGAZINE, SEAT, SLABS, VMA } from "./layout";
import { checkHolds, expect, type Scenario } from "./scenario";
import { Random, where } from "./search";
import { ARENA, type Chooser, type Death, Violation, type World } from "./world";

/** One engine's header words (assembly/base/layout.ts). */
const DEPOTS = 320;
const LINE = 64;
const NEVER = 0xffffffff;

export interface Kills {
  kills: number;
  /** What went wrong first, and how to see it again. */
  violation: string | null;
}

/** Fiber `first`, then the others in turn. */
class InOrder implements Chooser {
  constructor(readonly first: number) {}
  begin(): void {}
  arm() {
    return { live: false, stop: NEVER };
  }
  preempt(_step: number, current: number, _others: number): number {
    return current;
  }
  forced(ready: number): number {
    for (let i = this.first; i < this.first + 3; i++) {
      if ((ready & (1 << (i % 3))) !== 0) return i % 3;
    }
    throw new Error("nobody is ready");
  }
}

/** Fiber `first` up to `step`, the others, then `first` again: it dies at its next access. */
class Interrupted extends InOrder {
  #interrupted = false;
  constructor(
    first: number,
    readonly step: number,
    readonly world: World,
  ) {
    super(first);
  }
  override arm() {
    return { live: false, stop: this.#interrupted ? NEVER : this.step };
  }
  override preempt(_step: number, _current: number, others = 0): number {
    this.#interrupted = true;
    return 31 - Math.clz32(others & -others);
  }
  override forced(ready: number): number {
    if (!this.#interrupted) return super.forced(ready);
    const others = ready & ~(1 << this.first);
    if (others !== 0) return 31 - Math.clz32(others & -others);
    if (this.world.death) this.world.death.step = this.world.steps + 1;
    return this.first;
  }
}

/** What all spaces say: their VMAs, field by field, and their counters. */
function digest(world: World): string {
  const x = world.control;
  const lines: string[] = [];
  for (let mm = x.mm_first() >>> 0; mm !== 0; mm = x.mm_next(mm) >>> 0) {
    if (x.mm_users(mm) === 0) continue;
    lines.push(`mm ${mm}: ${[0, 1, 2, 3, 4, 5, 7, 14, 15].map((stat) => x.mm_stat(mm, stat))}`);
    for (let at = 0; ; ) {
      const vma = x.find_vma(mm, at);
      if (vma === 0) break;
      const fields = [VMA.START, VMA.END, VMA.FLAGS, VMA.PGOFF, VMA.ANON_VMA];
      lines.push(`${vma} ${fields.map((field) => wide(world, vma + field))}`);
      const end = wide(world, vma + VMA.END);
      expect(end > at, `find_vma answers a VMA that ends at ${end} for ${at}`);
      at = end;
    }
  }
  return lines.join("\n");
}

function wide(world: World, address: number): number {
  return world.u32[address >> 2]! + world.u32[(address >> 2) + 1]! * 2 ** 32;
}

interface Boundary {
  step: number;
  fiber: number;
  /** Null where some call was half-way. */
  text: string | null;
}

export class Killer {
  readonly #marks = new Uint8Array(ARENA >> 6);
  kills = 0;

  constructor(
    readonly world: World,
    readonly scenario: Scenario,
    readonly setup: unknown,
  ) {}

  /** All kills of the scenario, every `stride`-th step. */
  run(stride: number, random: number): Kills {
    for (let first = 0; first < this.scenario.fibers; first++) {
      const chooser = new InOrder(first);
      const states = this.#uninterrupted(chooser);
      const steps = this.world.steps;
      for (let step = 1 + (first % stride); step <= steps; step += stride) {
        for (const blocked of [false, true]) {
          const bad = this.#kill(chooser, { step, blocked }, states);
          if (bad !== null) return this.#result(`order ${first}, step ${step}: ${bad}`);
        }
        const between = new Interrupted(first, step, this.world);
        const bad = this.#kill(between, { step: NEVER, blocked: false }, []);
        if (bad !== null) return this.#result(`between ${first}, step ${step}: ${bad}`);
      }
    }
    for (let seed = 1; seed <= random; seed++) {
      const chooser = new Random(seed);
      const step = 1 + (((seed * 2654435761) % 4096) % Math.max(1, this.world.steps));
      const bad = this.#kill(chooser, { step, blocked: seed % 4 === 0 }, []);
      if (bad !== null) return this.#result(`random ${seed}, step ${step}: ${bad}`);
    }
    return this.#result(null);
  }

  #result(violation: string | null): Kills {
    return { kills: this.kills, violation };
  }

  /** The states between the calls of a run in which nobody dies. */
  #uninterrupted(chooser: Chooser): Boundary[] {
    const { world } = this;
    const states: Boundary[] = [];
    const note = (fiber: number) => {
      const text = world.midCall() ? null : world.quietly(() => digest(world));
      states.push({ step: world.steps, fiber, text });
    };
    const { fibers } = this.scenario.run(world, this.setup);
    world.onBoundary = note;
    try {
      world.run(fibers, chooser);
    } finally {
      world.onBoundary = undefined;
    }
    return states;
  }

  /** One death; what was wrong, or null. */
  #kill(chooser: Chooser, when: Omit<Death, "bury">, states: Boundary[]): string | null {
    const { world } = this;
    const { fibers } = this.scenario.run(world, this.setup);
    let struck = false;
    world.death = {
      ...when,
      bury: (victim) => {
        struck = true;
        this.kills++;
        const index = victim + 1; // the control has the first seat
        expect(world.control.worker_reap(index) === 0, "the seat cannot be reaped");
        if (states.length !== 0 && !world.midCall()) this.#compare(victim, when.step, states);
      },
    };
    try {
      world.run(fibers, chooser);
      if (struck) this.#checkEnd();
      return null;
    } catch (error) {
      if (error instanceof Violation) return error.message;
      if (error instanceof WebAssembly.RuntimeError) return `the core trapped: ${where(error)}`;
      throw error;
    }
  }

  /** The spaces are as at the last boundary before the death, or as after the victim's call. */
  #compare(victim: number, step: number, states: Boundary[]): void {
    const before = states.filter((state) => state.step < step).at(-1)!;
    const after = states.find((state) => state.step >= step && state.fiber === victim);
    const allowed = [before.text, after?.text].filter((text) => typeof text === "string");
    if (allowed.length === 0) return;
    const now = digest(this.world);
    expect(allowed.includes(now), `neither before nor after:\n${now}\nbefore:\n${before.text}`);
  }

  #checkEnd(): void {
    const { world } = this;
    const x = world.control;
    checkHolds(world);
    for (let mm = x.mm_first() >>> 0; mm !== 0; mm = x.mm_next(mm) >>> 0) {
      if (x.mm_users(mm) === 0) continue;
      expect(x.mmap_write_trylock(mm) === 1, "the mmap lock was left held");
      const code = x.mm_validate_under_lock(mm);
      x.mmap_write_unlock(mm);
      expect(code === 0, `mm_validate: ${code} at ${world.f64[x.worker_scratch() >> 3]}`);
    }
    this.#putAll(x);
    this.#checkObjects(x);
  }

  /** Gives back every reference that there is. */
  #putAll(x: Core): void {
    x.mm_run_deferred();
    const { file } = (this.setup ?? {}) as { file?: number };
    if (file) x.file_put(file);
    for (let mm = x.mm_first() >>> 0; mm !== 0; mm = x.mm_first() >>> 0) {
      if (x.mm_users(mm) !== 0) x.mmput(mm);
      else x.mmdrop(mm);
    }
  }

  /** Every object is in use or on one free list; none is in use but what scenarios take by hand. */
  #checkObjects(x: Core): void {
    SLABS.forEach(({ size, link }, kind) => {
      const free = this.#countFree(kind, link);
      const capacity = (x.slab_bytes(kind) / 16384) * Math.floor(16384 / size);
      const used = x.slab_live(kind);
      expect(free + used === capacity, `kind ${kind}: ${free} free, ${used} in use of ${capacity}`);
      const byHand = this.scenario.name.startsWith("slab-");
      expect(byHand || used === 0, `kind ${kind}: ${used} leaked`);
    });
  }

  #countFree(kind: number, link: number): number {
    const { u32, fibers, control } = this.world;
    const heads = [DEPOTS + kind * LINE];
    for (const { worker_seat } of [control, ...fibers.map((fiber) => fiber.x)]) {
      heads.push(worker_seat() + SEAT.MAGAZINES + kind * MAGAZINE.SIZE);
    }
    this.#marks.fill(0);
    let n = 0;
    for (const head of heads) {
      for (let at = u32[head >> 2]!; at !== 0; at = u32[(at + link) >> 2]!) {
        expect(at < ARENA, `kind ${kind}: a free list leads to ${at}`);
        expect(this.#marks[at >> 6] === 0, `kind ${kind}: object ${at} is free twice`);
        this.#marks[at >> 6] = 1;
        n++;
      }
    }
    return n;
  }
}

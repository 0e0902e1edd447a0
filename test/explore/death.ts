// Kills a worker at every step of every scenario, has another one reap it, and looks.
//
//   reap       the control reaps it at once
//   mark       it is marked dead and no more: whoever waits for what it held finds that out when
//              the time of its wait has passed, and reaps it in the middle of its own call
//
//   in order   one fiber after the other, each once the first: killed before its 1st, 2nd, ...
//              access; and whoever waits at that moment instead, if somebody does
//   between    the first is interrupted there, the others run as far as they can, and it dies
//              before it goes on, or at its next access
//   at random  schedules with pre-emptions, killed at a random step
//
// Every time: nobody hangs; right after the reaping by the control the spaces are as before or as
// after the call that was interrupted (where no other call is half-way); in the end every space
// validates, no lock is held or waited for, every object is in use or on one free list, and
// nothing is in use once all references are given back.

import type { Core } from "./exports";
import { LEDGER, MAGAZINE, SEAT, SLABS, VMA } from "./layout";
import { checkHolds, checkWaited, expect, type Scenario } from "./scenario";
import { Random, where } from "./search";
import { ARENA, type Chooser, type Death, Violation, type World } from "./world";

/** One engine's header words (assembly/base/layout.ts). */
const DEPOTS = 320;
const LINE = 64;
const NEVER = 0xffffffff;
/** Waits that a fiber may give up: more than there are holds and locks of one that has died. */
const TICKS = 6;

/** What becomes of the dead. */
export type Burial = "reap" | "mark";

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

/** Fiber `first` up to `step`, the others, then `first` again: it dies there, or at its next access. */
class Interrupted extends InOrder {
  #interrupted = false;
  constructor(
    first: number,
    readonly step: number,
    readonly atOnce: boolean,
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
    const { death } = this.world;
    if (death && this.atOnce) death.parked = this.first;
    else if (death) death.step = this.world.steps + 1;
    return this.first;
  }
}

/** What each space says: its VMAs, field by field, and its counters. */
function digest(world: World): Map<number, string> {
  const x = world.control;
  const spaces = new Map<number, string>();
  for (let mm = x.mm_first() >>> 0; mm !== 0; mm = x.mm_next(mm) >>> 0) {
    if (x.mm_users(mm) === 0) continue;
    const lines: string[] = [];
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
    spaces.set(mm, lines.join("\n"));
  }
  return spaces;
}

/** The objects that a seat's ledger lists: the explore build has one bucket. */
function listed(world: World, seat: number): Set<number> {
  const objects = new Set<number>();
  for (let record = seat + SEAT.LEDGER; record !== 0; record = world.u32[record >> 2]!) {
    for (let at = record + 4; at < record + LEDGER.NUMBER; at += 4) {
      objects.add(world.u32[at >> 2]! & ~63);
    }
  }
  return objects;
}

function wide(world: World, address: number): number {
  return world.u32[address >> 2]! + world.u32[(address >> 2) + 1]! * 2 ** 32;
}

interface Boundary {
  step: number;
  fiber: number;
  /** Null where some call was half-way. */
  spaces: Map<number, string> | null;
}

export class Killer {
  readonly #marks = new Uint8Array(ARENA >> 6);
  kills = 0;

  constructor(
    readonly world: World,
    readonly scenario: Scenario,
    readonly setup: unknown,
    readonly burial: Burial,
  ) {}

  /** All kills of the scenario, every `stride`-th step. */
  run(stride: number, random: number): Kills {
    try {
      return this.#run(stride, random);
    } catch (error) {
      if (error instanceof Violation) return this.#result(`nobody killed: ${error.message}`);
      throw error;
    }
  }

  #run(stride: number, random: number): Kills {
    for (let first = 0; first < this.scenario.fibers; first++) {
      const chooser = new InOrder(first);
      const states = this.#uninterrupted(chooser);
      const steps = this.world.steps;
      for (let step = 1 + (first % stride); step <= steps; step += stride) {
        for (const flag of [false, true]) {
          const bad = this.#kill(chooser, { step, blocked: flag }, states);
          if (bad !== null) return this.#result(`order ${first}, step ${step}: ${bad}`);
          const between = new Interrupted(first, step, flag, this.world);
          const ugly = this.#kill(between, { step: NEVER, blocked: false }, []);
          if (ugly !== null) return this.#result(`between ${first}, step ${step}: ${ugly}`);
        }
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
    const marked = violation !== null && this.burial === "mark" ? "marked, " : "";
    return { kills: this.kills, violation: violation && marked + violation };
  }

  /** The states between the calls of a run in which nobody dies. */
  #uninterrupted(chooser: Chooser): Boundary[] {
    const { world } = this;
    const states: Boundary[] = [];
    const note = (fiber: number) => {
      const spaces = world.midCall() ? null : world.quietly(() => digest(world));
      states.push({ step: world.steps, fiber, spaces });
    };
    const { fibers, check } = this.scenario.run(world, this.setup);
    world.onBoundary = note;
    try {
      world.run(fibers, chooser);
    } finally {
      world.onBoundary = undefined;
    }
    check();
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
        if (this.burial === "mark") {
          const { worker_mark_dead, worker_generation } = world.control;
          expect(worker_mark_dead(index, worker_generation(index)) === 0, "it cannot be marked");
          world.allowTicks(TICKS);
          return;
        }
        const had = listed(world, world.seats[victim]!);
        expect(world.control.worker_reap(index) === 0, "the seat cannot be reaped");
        if (states.length !== 0 && !world.midCall()) this.#compare(victim, when.step, states, had);
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

  /**
   * The spaces are as at the last boundary before the death, or as after the victim's call;
   * of those that it `had` a reference to it may have been the last user.
   */
  #compare(victim: number, step: number, states: Boundary[], had: Set<number>): void {
    const before = states.filter((state) => state.step < step).at(-1)!.spaces;
    const after = states.find((state) => state.step >= step && state.fiber === victim)?.spaces;
    const allowed = [before, after].filter((spaces) => spaces instanceof Map);
    if (allowed.length === 0) return;
    const now = digest(this.world);
    const fits = (then: Map<number, string>) =>
      [...now].every(([mm, text]) => then.get(mm) === text) &&
      [...then.keys()].every((mm) => now.has(mm) || had.has(mm));
    const show = (spaces: Map<number, string> | undefined) => [...(spaces ?? [])].join("\n");
    expect(
      allowed.some(fits),
      `neither before nor after:\n${show(now)}\nbefore:\n${show(allowed[0])}`,
    );
  }

  #checkEnd(): void {
    const { world } = this;
    const x = world.control;
    x.worker_look(); // for whoever is marked and nobody had to wait for
    checkHolds(world);
    for (let mm = x.mm_first() >>> 0; mm !== 0; mm = x.mm_next(mm) >>> 0) {
      if (x.mm_users(mm) === 0) continue;
      checkWaited(world, mm);
      expect(x.mmap_write_trylock(mm) === 1, "the mmap lock was left held");
      const code = x.mm_validate_under_lock(mm);
      x.mmap_write_unlock(mm);
      expect(code === 0, `mm_validate: ${code} at ${world.f64[x.worker_scratch() >> 3]}`);
    }
    this.#putAll(x);
    this.#checkObjects(x);
  }

  /** The living give back what is theirs. */
  #putAll(x: Core): void {
    const { fibers, dead } = this.world;
    for (const one of fibers.filter(({ index }) => !dead.has(index))) one.x.refs_give_back();
    x.refs_give_back();
    x.mm_run_deferred();
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
    const { u32, seats, control } = this.world;
    const heads = [DEPOTS + kind * LINE];
    for (const seat of [control.worker_seat(), ...seats]) {
      heads.push(seat + SEAT.MAGAZINES + kind * MAGAZINE.SIZE);
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

// A world: one memory, one instance of the core a fiber, and the way back to its snapshot.
//
//   fiber i     instance, seat, asyncify stack; its body is a generator of calls
//   control     an instance of its own for setup and for checks between schedules
//
// A body yields functions that make one call of the core each: `yield () => x.munmap(...)`.
// Such a function is called again to resume a call that was interrupted, so it must do
// nothing else. What stands between two yields runs without a switch.

import type { Core, FilterExports } from "./exports";
import { MM, VMA } from "./layout";

/** Repeats assembly/explore-filter.ts. */
export const ARENA = 0x100000;
const STACKS = 0x380000;
const STACK_BYTES = 0x10000;
const MEMORY_PAGES = 64;
const MAX_FIBERS = 3;
const NEVER = 0xffffffff;
/** VmaLock in assembly/mm/vma_lock.ts. */
const HELD = 1;
/** What a VMA read lock keeps as it is: mm, start, end, flags, pgoff, and to which mm it is attached. */
const HELD_WORDS = [
  VMA.MM,
  ...[VMA.START, VMA.END, VMA.FLAGS, VMA.PGOFF].flatMap((word) => [word, word + 4]),
  VMA.LIFE,
];

/** One call of the core; its result, if it has one, is a number. */
export type Call = () => unknown;
export type Body = Generator<Call, void, number>;

/** A property does not hold in this schedule. */
export class Violation extends Error {}

export const enum State {
  READY = 0,
  BLOCKED = 1,
  DONE = 2,
}

class Fiber {
  state: State = State.READY;
  /** Interrupted inside a call: resuming rewinds it. */
  parked = false;
  /** Interrupted in host.wait, not at a touch. */
  waiting = false;
  waitsOn = 0;
  /** Its wait ended by itself; how often that may still happen in this schedule. */
  timedOut = false;
  ticks = 0;
  result = 0;
  call: Call = () => 0;
  /** The access that it is about to do. */
  address = 0;
  how = 0;
  body!: Body;

  constructor(
    readonly index: number,
    readonly x: Core,
    readonly stack: number,
  ) {}
}

/** Who runs next: the search (search.ts). */
export interface Chooser {
  /** Before a schedule. */
  begin(): void;
  /** When the scheduler is to be asked next: at every conflict (`live`), or at step `stop`. */
  arm(others: boolean): { live: boolean; stop: number };
  /** At a conflict of `current`, which could go on; `others` (bits) could run instead. */
  preempt(step: number, current: number, others: number): number;
  /** `current` is blocked or done: one of `ready` (bits). */
  forced(ready: number): number;
}

interface Held {
  vma: number;
  words: number[];
  fiber: number;
}

/** A fiber is to die (death.ts): before step `step` is done, whoever runs, or one that waits. */
export interface Death {
  step: number;
  blocked: boolean;
  /** This fiber instead, where it was interrupted, once it is chosen to go on. */
  parked?: number;
  /** Called once it is dead, outside of all fibers. */
  bury(victim: number): void;
}

export class World {
  readonly memory = new WebAssembly.Memory({
    initial: MEMORY_PAGES,
    maximum: MEMORY_PAGES,
    shared: true,
  });
  readonly u32 = new Uint32Array(this.memory.buffer);
  readonly f64 = new Float64Array(this.memory.buffer);
  readonly control: Core;
  readonly fibers: Fiber[] = [];
  /** Switches of the last schedule, as a replay string's tokens. */
  readonly trace: string[] = [];
  /** Told of each access that conflicts with another fiber's, as it is done (races.ts). */
  onAccess: ((fiber: number, address: number, how: number) => void) | undefined;
  death: Death | undefined;
  /**
   * How often in a schedule the time of each fiber's waits may run out, all at once, when nobody
   * can go on. 0: only a notify ends a wait, so a lost wake-up is a deadlock.
   */
  ticks = 0;
  /** Fibers that have died in this schedule. */
  readonly dead = new Set<number>();
  /** Addresses of the fibers' seats. */
  readonly seats: readonly number[];
  /** Told before and after each call. */
  onBoundary: ((fiber: number) => void) | undefined;
  #filter: FilterExports;
  #current: Fiber | undefined;
  #next = -1;
  #unwinding = false;
  #victim = -1;
  #chooser!: Chooser;
  #stepLimit = 200_000;
  #held: Held[] = [];
  /** Waiters in the order they came: notify wakes the first. */
  #queue: Fiber[] = [];

  constructor(core: WebAssembly.Module, filter: WebAssembly.Module, fibers: number) {
    this.#filter = new WebAssembly.Instance(filter, {
      env: { memory: this.memory },
      "explore-filter": {
        host_point: () => this.#point(),
        host_resumed: () => this.#resumed(),
      },
    }).exports as unknown as FilterExports;
    const imports = {
      env: { memory: this.memory },
      debug: { host_touch: this.#filter.touch as unknown as () => void },
      atomics: {
        host_wait: (word: number, expected: number) => this.#wait(word, expected),
        host_notify: (word: number, count: number) => this.#notify(word, count),
      },
    };
    const instance = () => new WebAssembly.Instance(core, imports).exports as unknown as Core;
    this.control = instance();
    if (this.control.arena_init(ARENA, MAX_FIBERS + 1, 3) !== 0) throw new Error("arena_init");
    this.control.worker_attach(1);
    for (let i = 0; i < fibers; i++) {
      const fiber = new Fiber(i, instance(), STACKS + i * STACK_BYTES);
      fiber.x.worker_attach(1);
      this.fibers.push(fiber);
    }
    this.seats = this.fibers.map(({ x }) => x.worker_seat());
  }

  /** The state that every schedule begins with is the present one. */
  snapshot(): void {
    this.#filter.snapshot();
  }

  /** True once if new conflicts were seen since the last call. */
  takeGrown(): boolean {
    return this.#filter.take_grown() !== 0;
  }

  /** Number of the fiber whose body or call runs; -1 outside of all. */
  get running(): number {
    return this.#current?.index ?? -1;
  }

  get steps(): number {
    return this.#filter.step();
  }

  /** Runs one schedule from the snapshot; throws a Violation. */
  run(bodies: Body[], chooser: Chooser): void {
    this.#filter.restore();
    this.#sitDown();
    this.#chooser = chooser;
    this.#held.length = 0;
    this.#queue.length = 0;
    this.trace.length = 0;
    this.dead.clear();
    for (const fiber of this.fibers) {
      fiber.state = State.READY;
      fiber.parked = false;
      fiber.waiting = false;
      fiber.timedOut = false;
      fiber.ticks = this.ticks;
      fiber.body = bodies[fiber.index]!;
    }
    chooser.begin();
    try {
      while (true) {
        const ready = this.#ready(-1) || this.#tick();
        if (ready === 0) break;
        this.#next = -1;
        this.#resume(this.fibers[this.#choose(ready)]!);
        this.#dies();
        while (this.#next >= 0) {
          const to = this.fibers[this.#next]!;
          this.#next = -1;
          this.#resume(to);
          this.#dies();
        }
      }
    } finally {
      this.#filter.set_fiber(0, 0);
      this.#filter.set_mode(0, NEVER);
      this.#current = undefined;
      this.#unwinding = false;
      this.#victim = -1;
      this.death = undefined;
    }
    const blocked = this.fibers.filter((fiber) => fiber.state === State.BLOCKED);
    if (blocked.length !== 0) {
      const who = blocked.map((f) => `fiber ${f.index} on word ${f.waitsOn}`);
      throw new Violation(`deadlock: ${who.join(", ")}`);
    }
  }

  /** Which seat is its own is not in memory: who died reaping another one sits in that one. */
  #sitDown(): void {
    for (const { index, x } of this.fibers) {
      if (x.worker_seat() === this.seats[index]) continue;
      x.worker_sit(index + 1, this.control.worker_generation(index + 1), 1);
    }
  }

  /** Bits of the fibers that can run, but `except`. */
  #ready(except: number): number {
    let bits = 0;
    for (const fiber of this.fibers) {
      if (fiber.state === State.READY && fiber.index !== except) bits |= 1 << fiber.index;
    }
    return bits;
  }

  /** LOOK_MS have passed: bits of the fibers whose wait is over. */
  #tick(): number {
    for (const fiber of this.fibers) {
      if (fiber.state !== State.BLOCKED || fiber.ticks === 0) continue;
      fiber.ticks--;
      fiber.timedOut = true;
      fiber.state = State.READY;
      this.#queue = this.#queue.filter((other) => other !== fiber);
    }
    return this.#ready(-1);
  }

  /** From here on in this schedule waits may end, `n` times each fiber's. */
  allowTicks(n: number): void {
    for (const fiber of this.fibers) fiber.ticks = n;
  }

  #choose(ready: number): number {
    const pick = this.#chooser.forced(ready);
    this.trace.push(String(pick));
    return pick;
  }

  #arm(): void {
    const { live, stop } = this.#chooser.arm(this.#ready(this.#current!.index) !== 0);
    const last = Math.min(stop, this.death?.step ?? NEVER, this.#stepLimit);
    this.#filter.set_mode(live || this.onAccess ? 1 : 0, last);
  }

  /** Fibers that were interrupted in a call and live. */
  midCall(): boolean {
    return this.fibers.some(({ state, parked }) => state !== State.DONE && parked);
  }

  /** The death that was due has struck the running fiber, which is unwound by now. */
  #dies(): void {
    if (this.#victim < 0) return;
    const victim = this.#victim;
    this.#victim = -1;
    this.#bury(victim);
  }

  #bury(victim: number): void {
    const { bury } = this.death!;
    this.death = undefined;
    this.fibers[victim]!.state = State.DONE;
    this.dead.add(victim);
    this.#held = this.#held.filter(({ fiber }) => fiber !== victim);
    this.#queue = this.#queue.filter(({ index }) => index !== victim);
    this.quietly(() => bury(victim));
  }

  /** Runs a fiber until it is interrupted, blocks or ends. */
  #resume(fiber: Fiber): void {
    if (fiber.parked && this.death?.parked === fiber.index) {
      this.#bury(fiber.index);
      return;
    }
    this.#current = fiber;
    this.checkHeld();
    this.#filter.set_fiber(1 << fiber.index, fiber.parked && !fiber.waiting ? 1 : 0);
    this.#arm();
    while (true) {
      if (fiber.parked) {
        fiber.x.asyncify_start_rewind(fiber.stack);
      } else {
        const next = fiber.body.next(fiber.result);
        if (next.done) {
          fiber.state = State.DONE;
          return;
        }
        fiber.call = next.value;
        this.onBoundary?.(fiber.index);
      }
      fiber.parked = false;
      const result = fiber.call();
      if (this.#unwinding) {
        fiber.x.asyncify_stop_unwind();
        this.#unwinding = false;
        fiber.parked = true;
        return;
      }
      fiber.result = typeof result === "number" ? result : 0;
      this.onBoundary?.(fiber.index);
    }
  }

  #unwind(fiber: Fiber): void {
    this.u32[fiber.stack >> 2] = fiber.stack + 8;
    this.u32[(fiber.stack >> 2) + 1] = fiber.stack + STACK_BYTES;
    this.#unwinding = true;
    fiber.x.asyncify_start_unwind(fiber.stack);
  }

  #point(): void {
    const step = this.#filter.step();
    if (step >= this.#stepLimit) throw new Violation(`no end after ${step} steps`);
    const fiber = this.#current!;
    if (step === this.death?.step) {
      if (!this.death.blocked) {
        this.#victim = fiber.index;
        this.#unwind(fiber);
        return;
      }
      const waiting = this.fibers.find(({ state }) => state === State.BLOCKED);
      if (waiting) this.#bury(waiting.index);
      else this.death = undefined;
      this.#arm();
      return;
    }
    if (this.onAccess) {
      fiber.address = this.#filter.point_address();
      fiber.how = this.#filter.point_how();
    }
    const others = this.#ready(fiber.index);
    if (others === 0) {
      this.onAccess?.(fiber.index, fiber.address, fiber.how);
      return;
    }
    const pick = this.#chooser.preempt(step, fiber.index, others);
    if (pick === fiber.index) {
      this.onAccess?.(fiber.index, fiber.address, fiber.how);
      this.#arm();
      return;
    }
    this.trace.push(`${step}:${pick}`);
    this.#next = pick;
    this.#unwind(fiber);
  }

  #resumed(): void {
    const fiber = this.#current!;
    fiber.x.asyncify_stop_rewind();
    this.onAccess?.(fiber.index, fiber.address, fiber.how);
  }

  /** memory.atomic.wait32, for a time that passes in #tick only. */
  #wait(word: number, expected: number): number {
    const fiber = this.#current;
    if (!fiber) throw new Violation("setup or check would block");
    if (fiber.waiting) {
      fiber.waiting = false;
      fiber.x.asyncify_stop_rewind();
      const result = fiber.timedOut ? 2 : 0;
      fiber.timedOut = false;
      return result;
    }
    if (this.u32[word >> 2] !== expected >>> 0) return 1;
    fiber.state = State.BLOCKED;
    fiber.waiting = true;
    fiber.waitsOn = word;
    this.#queue.push(fiber);
    this.#unwind(fiber);
    return 0;
  }

  #notify(word: number, count: number): number {
    let woken = 0;
    for (let i = 0; i < this.#queue.length && woken < count; ) {
      const fiber = this.#queue[i]!;
      if (fiber.waitsOn !== word) {
        i++;
        continue;
      }
      this.#queue.splice(i, 1);
      fiber.state = State.READY;
      woken++;
    }
    if (woken !== 0 && this.#current) this.#arm();
    return woken;
  }

  /** From here on the words of `vma` that its read lock protects must stay as they are. */
  hold(vma: number, mm: number, address: number): void {
    const words = this.#heldWords(vma);
    if (words[9] === 0) throw new Violation("locked a detached VMA");
    if (words[9] !== mm || words[0] !== mm)
      throw new Violation(`locked a VMA of mm ${words[0]}, not ${mm}`);
    const start = words[1]! + words[2]! * 2 ** 32;
    const end = words[3]! + words[4]! * 2 ** 32;
    if (address < start || address >= end) {
      throw new Violation(`locked a VMA of [${start}, ${end}) for ${address}`);
    }
    // Without a writer inside, the tree says so too.
    if ((this.u32[(mm + MM.LOCK_SEQ) >> 2]! & 1) === 0) {
      const found = this.quietly(() => this.control.vma_lookup(mm, address));
      if (found !== vma) throw new Violation("locked a VMA that the tree does not show");
    }
    this.#held.push({ vma, words, fiber: this.running });
  }

  /** A call of the control instance from a fiber's body: no steps, no conflicts. */
  quietly<T>(once: () => T): T {
    this.#filter.set_fiber(0, 0);
    const result = once();
    if (this.#current) this.#filter.set_fiber(1 << this.#current.index, 0);
    return result;
  }

  release(vma: number): void {
    this.checkHeld();
    const index = this.#held.findIndex((held) => held.vma === vma);
    this.#held.splice(index, 1);
  }

  /** Every read-locked VMA is as it was when it was locked (R-INV-8). */
  checkHeld(): void {
    for (const { vma, words } of this.#held) {
      const now = this.#heldWords(vma);
      for (let i = 0; i < words.length; i++) {
        if (now[i] !== words[i]) {
          throw new Violation(`a read-locked VMA changed: word ${i}, ${words[i]} -> ${now[i]}`);
        }
      }
    }
  }

  /** The values of HELD_WORDS. A writer that waits has taken HELD down. */
  #heldWords(vma: number): number[] {
    return HELD_WORDS.map((offset) => {
      const word = this.u32[(vma + offset) >> 2]!;
      return offset === VMA.LIFE ? (word & ~HELD) >>> 0 : word;
    });
  }
}

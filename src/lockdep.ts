// lockdep's voice: on the verify build it remembers where each lock was taken, and a call that
// the core refuses as a deadlock to come throws with both places.
//
// The rules: assembly/sync/lockdep.ts. Part of `vmaple/testing`: nothing else knows of it.
// Floor: S5. Imports: shared, core, engine.

import { Lockdep, LockdepRule } from "../assembly/shared/abi.js";
import { Errno } from "../assembly/shared/errno.js";
import type { CoreExports } from "./core.js";
import type { Engine } from "./engine.js";
import { threadMayBlock } from "./platform.js";

/**
 * A call would have waited for a lock in an order in which workers can wait for each other
 * for ever, or somebody is done and still holds locks. The message says where they were taken.
 */
export class LockdepError extends TypeError {
  override readonly name: string = "LockdepError";
}

/** What the verify build exports beyond the ABI. */
interface VerifyExports extends CoreExports {
  lockdep_site(site: number): void;
  lockdep_held(): number;
  lockdep_report(): void;
}

/** Exports that take an mmap lock or a VMA lock, or wait for one. */
const TAKES =
  /^(mmap|munmap|mprotect|mremap|brk|madvise|mlock|mincore|msync|mseal|munlock|set_vma|handle_mm|remap|mm_fork|mm_validate|vma_install|lock_vma)/;
const TAKES_NONE = /_locked|_unlock|_cancel|contended|_under_lock/;
/** Places remembered, the latest. */
const PLACES = 1024;

const WHAT: Readonly<Record<number, string>> = {
  [LockdepRule.RECURSION]: "mmap lock",
  [LockdepRule.VMA_HELD]: "the lock of VMA",
  [LockdepRule.ORDER]: "mmap lock",
};

/** What one worker's lockdep can be asked. */
export interface LockWatch {
  /** The worker holds no lock. @throws LockdepError it does; says where it was taken */
  assertNothingHeld(): void;
}

/**
 * From here on every call of this worker that could wait for ever throws {@link LockdepError},
 * before it waits: an mmap lock that the worker holds already, one that it wants while it holds
 * a VMA's lock, and two spaces locked in an order that some worker has used the other way
 * round. So does `engine.dispose` with locks held. Costs microseconds a call.
 *
 * Asynchronous lock requests are not watched, nor are threads that may not block.
 *
 * @param engine runs the verify build: `Engine.create({ wasm })` with `vmaple/engine.verify.wasm`
 * @throws TypeError it runs another build
 */
export function watchLocks(engine: Engine): LockWatch {
  const { context } = engine;
  const exports = context.core.x as VerifyExports;
  if (typeof exports.lockdep_site !== "function") {
    throw new TypeError("lockdep is in the verify build only: vmaple/engine.verify.wasm");
  }
  const watch = new Watch(exports, engine.memory, engine.slot);
  context.core.replace(watch.exports);
  context.lockdep = context.options.shared && threadMayBlock();
  return watch;
}

class Watch implements LockWatch {
  readonly exports: CoreExports;
  readonly #checks: VerifyExports;
  readonly #memory: WebAssembly.Memory;
  readonly #seat: number;
  readonly #places: Error[] = [];
  #site = 0;

  constructor(checks: VerifyExports, memory: WebAssembly.Memory, seat: number) {
    this.#checks = checks;
    this.#memory = memory;
    this.#seat = seat;
    const watched: Record<string, unknown> = { ...checks };
    for (const [name, value] of Object.entries(checks)) {
      if (!TAKES.test(name) || TAKES_NONE.test(name)) continue;
      watched[name] = (...args: unknown[]) =>
        this.#call(name, value as (...args: unknown[]) => unknown, args);
    }
    watched["worker_detach"] = () => {
      this.assertNothingHeld();
      checks.worker_detach();
    };
    this.exports = watched as unknown as CoreExports;
  }

  assertNothingHeld(): void {
    if (this.#checks.lockdep_held() === 0) return;
    const word = this.#report();
    throw new LockdepError(
      `still held: ${WHAT[word(Lockdep.RULE)]} ${hex(word(Lockdep.HELD))}\n` +
        `held since ${this.#place(word(Lockdep.HELD_SITE))}\nasked`,
    );
  }

  #call(name: string, call: (...args: unknown[]) => unknown, args: unknown[]): unknown {
    const site = ++this.#site;
    this.#places[site % PLACES] = new Error(name);
    this.#checks.lockdep_site(site);
    const result = call(...args);
    if (Number(result) !== -Errno.EDEADLK) return result;
    const word = this.#report();
    const rule = word(Lockdep.RULE);
    const [seat, place] = [word(Lockdep.OTHER_SEAT), word(Lockdep.OTHER_SITE)];
    const other =
      rule === LockdepRule.ORDER
        ? `\ntaken the other way round in seat ${seat}, ${this.#otherPlace(seat, place)}`
        : "";
    throw new LockdepError(
      `${name} waits for mmap lock ${hex(word(Lockdep.WANTED))} while this worker holds ` +
        `${WHAT[rule]} ${hex(word(Lockdep.HELD))}${other}\n` +
        `held since ${this.#place(word(Lockdep.HELD_SITE))}\nwanted`,
    );
  }

  #report(): (word: Lockdep) => number {
    this.#checks.lockdep_report();
    const scratch = this.#checks.worker_scratch() >>> 0;
    const words = new Uint32Array(this.#memory.buffer, scratch, Lockdep.WORDS).slice();
    return (word) => words[word] as number;
  }

  /** Where this worker was. */
  #place(site: number): string {
    const place = this.#places[site % PLACES];
    if (site === 0 || place === undefined || site <= this.#site - PLACES) return "a time unknown";
    return (place.stack as string).replace(/^Error: /, "");
  }

  /** Another worker's places are in its own memory. */
  #otherPlace(seat: number, site: number): string {
    return seat === this.#seat ? this.#place(site) : `in its call number ${site} that takes a lock`;
  }
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}

// Handle: one counted reference to an object of the arena (ARef of Rust-for-Linux).
//
// Invariants
//   H1  a live handle that is not borrowed owns exactly one count of its object.
//   H2  after dispose or a move it owns nothing and every use throws.
//   H3  a collected handle is reported; its count is never given back behind the
//       program's back (R-RUST-70).
//
// Floor: S2. Imports: context, errors.

import type { Context, Scope } from "./context.js";
import { NotThreadSafeError } from "./errors.js";

/**
 * The value of a field that makes structured clone fail. Clone copies own fields only,
 * and would turn a handle into an empty object without a word; it refuses functions.
 */
export function notCloneable(): never {
  throw new NotThreadSafeError("send it with the transfer handlers of vmaple/comlink");
}

/** The same, for what must never leave its worker. */
export function notThreadSafe(): never {
  throw new NotThreadSafeError("a guard belongs to the worker that took it");
}

/** @throws TypeError `handle` is not of `kind`, or not of `context`'s engine; `maker` makes one that is */
export function assertOurs(
  context: Context,
  handle: Handle,
  kind: abstract new (...args: never[]) => Handle,
  name: string,
  maker: string,
): void {
  if (!(handle instanceof kind)) throw new TypeError(`${name} must be made by engine.${maker}`);
  if (handle.context.arena !== context.arena)
    throw new TypeError(`${name} belongs to another engine`);
}

/**
 * Base of {@link Mm}, {@link MmWithUser} and {@link FileRef}: a reference that is given
 * back by `using` or `dispose`, once. A borrowed handle owns none; its dispose does nothing.
 */
export abstract class Handle implements Disposable {
  /** Makes `postMessage` and `structuredClone` fail: use the comlink transfer handlers. */
  readonly notCloneable: () => never = notCloneable;
  readonly #context: Context;
  readonly #scope: Scope | "raw" | null;
  #pointer: number;

  /**
   * @internal
   * @param scope null: owns a count; otherwise borrowed, for as long as the scope lives
   */
  constructor(context: Context, pointer: number, scope: Scope | "raw" | null = null) {
    this.#context = context;
    this.#pointer = pointer;
    this.#scope = scope;
    if (scope === null) context.leaks.add(this, this.kind, pointer);
  }

  /** Name of the class, for messages; survives minifiers. */
  protected get kind(): string {
    return "Handle";
  }

  /** Gives one count back. May refuse by throwing: the handle then stays as it is. */
  protected abstract put(pointer: number): void;

  /** @internal */
  get context(): Context {
    return this.#context;
  }

  /** @internal The object's address. @throws TypeError after dispose */
  get pointer(): number {
    if (this.#pointer === 0) throw new TypeError(`${this.kind} used after dispose`);
    if (this.#scope !== null && this.#scope !== "raw") this.#scope.assertLive();
    return this.#pointer;
  }

  /** True once it was disposed, moved or consumed. */
  get disposed(): boolean {
    return this.#pointer === 0;
  }

  /** True if it owns no count: made by `fromRaw`, or a view through a guard. */
  get borrowed(): boolean {
    return this.#scope !== null;
  }

  /** Gives the reference back. Does nothing the second time, or if borrowed. */
  dispose(): void {
    if (this.#pointer === 0 || this.#scope !== null) return;
    this.put(this.#pointer);
    this.#pointer = 0;
    this.#context.leaks.remove(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal The object's address. @throws TypeError the count cannot be taken out now */
  assertTakeable(): number {
    if (this.#scope === null) return this.pointer;
    throw new TypeError(`a borrowed ${this.kind} owns nothing to give away`);
  }

  /** @internal Takes the count out of the handle, which is dead afterwards. */
  take(): number {
    const pointer = this.assertTakeable();
    this.#pointer = 0;
    this.#context.leaks.remove(this);
    return pointer;
  }
}

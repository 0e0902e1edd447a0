// Which engines this realm has, by arena: where a handle that arrives in a message belongs.
//
// Held weakly: a dropped engine is found by nobody. Floor: S3. Imports: context (types).

import type { Context } from "./context.js";

const contexts = new Map<string, WeakRef<Context>[]>();
const closers = new WeakMap<Context, Set<() => void>>();

export function registerContext(context: Context): void {
  const known = (contexts.get(context.arena) ?? []).filter((ref) => ref.deref() !== undefined);
  contexts.set(context.arena, [...known, new WeakRef(context)]);
}

/** Runs what {@link onClose} registered, while the engine still works. */
export function unregisterContext(context: Context): void {
  for (const close of closers.get(context) ?? []) close();
  closers.delete(context);
  const left = (contexts.get(context.arena) ?? []).filter((ref) => ref.deref() !== context);
  if (left.length === 0) contexts.delete(context.arena);
  else contexts.set(context.arena, left);
}

/** Calls `close` once, before `context`'s engine gives its seat back. */
export function onClose(context: Context, close: () => void): void {
  const set = closers.get(context) ?? new Set();
  set.add(close);
  closers.set(context, set);
}

/**
 * This realm's engine for `arena`: the one attached last.
 *
 * @throws TypeError there is none
 */
export function contextOf(arena: string): Context {
  const known = contexts.get(arena) ?? [];
  for (let i = known.length - 1; i >= 0; i--) {
    const context = known[i]?.deref();
    if (context !== undefined) return context;
  }
  throw new TypeError("foreign arena: attach an engine to its memory in this worker first");
}

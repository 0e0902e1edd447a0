// Which engines this realm has, by arena: where a handle that arrives in a message belongs.
//
// Held weakly: a dropped engine is found by nobody. Floor: S3. Imports: context (types).

import type { Context } from "./context.js";

/** In the order of their coming. */
const known: { contexts: readonly WeakRef<Context>[] } = { contexts: [] };

/** All that are alive but one. */
function others(context: Context): readonly WeakRef<Context>[] {
  return known.contexts.filter((ref) => {
    const alive = ref.deref();
    return alive !== undefined && alive !== context;
  });
}

export function registerContext(context: Context): void {
  known.contexts = [...others(context), new WeakRef(context)];
}

/** Runs what waits for the engine's end, while it still works. */
export function unregisterContext(context: Context): void {
  for (const close of context.closers) close();
  known.contexts = others(context);
}

/**
 * This realm's engine for `arena`: the one attached last.
 *
 * @throws TypeError there is none
 */
export function contextOf(arena: string): Context {
  const context = known.contexts.findLast((ref) => ref.deref()?.arena === arena)?.deref();
  if (context !== undefined) return context;
  throw new TypeError("foreign arena: attach an engine to its memory in this worker first");
}

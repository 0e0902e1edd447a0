// comlink transfer handlers: handles counted in flight, errors intact, guards refused.
//
// A handle crosses as a claim: the sender takes one count for the receiver before the
// message is posted, and a word of shared memory travels along.
//
//        sender                                receiver
//   +1   claim = FLYING  ---- message ---->    FLYING -> ADOPTED: the count is its own
//        FLYING -> REVOKED: it takes the count back
//
// Both go by compare-and-swap, so exactly one of them owns the count in the end.
//
// Invariants
//   T1  a count in flight is given back once: by the receiver's handle, or by the sender
//       when the message cannot be posted, its endpoint closes (endpoint.ts), the receiver
//       refuses it, the engine is disposed, or its lease ends.
//   T2  a receiver never adopts a revoked claim: it throws TypeError.
//
// What is lost all the same: counts of a sender that dies while its message never arrives.
// Floor: S5. Imports: engine and below.

import { transferHandlers } from "comlink";
import type { Context } from "./context.js";
import { Engine } from "./engine.js";
import {
  MmError,
  type MmErrorFields,
  mmErrorFields,
  NotThreadSafeError,
  reviveMmError,
} from "./errors.js";
import { FileRef } from "./file.js";
import { MmapReadGuard } from "./guards.js";
import type { Handle } from "./handle.js";
import { Mm, MmWithUser } from "./mm.js";
import { MmWithUserAsync } from "./mm-with-user-async.js";
import { Page } from "./page.js";
import { unref } from "./platform.js";
import { contextOf, onClose } from "./registry.js";
import { VmaRef } from "./vma.js";

const FLYING = 0;
const ADOPTED = 1;
const REVOKED = 2;

const KINDS = ["Mm", "MmWithUser", "MmWithUserAsync", "FileRef", "Page"] as const;
type HandleKind = (typeof KINDS)[number];

/** A handle in a message. */
export interface WireHandle {
  readonly arena: string;
  readonly kind: HandleKind;
  readonly pointer: number;
  /** The claim word; null for an engine that is not shared: its messages stay in the realm. */
  readonly claim: SharedArrayBuffer | null;
  /** Names the claim in the sender's realm. */
  readonly token: number;
}

/** A count that belongs to a message. */
class Flight {
  constructor(
    readonly context: Context,
    readonly wire: WireHandle,
    readonly word: Int32Array,
    readonly until: number,
  ) {}

  /** True if it is still nobody's: the caller must give the count back. */
  revoke(): boolean {
    return Atomics.compareExchange(this.word, 0, FLYING, REVOKED) === FLYING;
  }

  get landed(): boolean {
    return Atomics.load(this.word, 0) !== FLYING;
  }
}

const SWEEP_MS = 1000;
const flights = new Map<number, Flight>();
const watched = new WeakSet<Context>();
const moving = new WeakSet<Handle>();
const state = {
  nextToken: 1,
  leaseMs: 10 * 60 * 1000,
  sweeper: undefined as unknown,
  installed: false,
  /** Handles that the message at hand has made so far; null outside a dispatch. */
  adopted: null as Handle[] | null,
};

/** Marks a handle to be moved by the next message that carries it: the sender's is dead afterwards. */
export function move<Kind extends Handle>(handle: Kind): Kind {
  moving.add(handle);
  return handle;
}

/**
 * How long a count may be in flight before the sender takes it back, if nothing else ends
 * its journey. Default ten minutes: longer than any receiver should stay busy.
 */
export function setTransferLease(ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`the lease must not be negative, not ${ms}`);
  state.leaseMs = ms;
}

/** Takes back the counts of claims that nobody has adopted. Unknown and landed ones are ignored. */
export function revoke(tokens: Iterable<number>): void {
  for (const token of tokens) {
    const flight = flights.get(token);
    if (flight === undefined) continue;
    flights.delete(token);
    if (flight.revoke()) makeHandle(flight.context, flight.wire).dispose();
  }
}

/** Claims of this realm that are still in flight: for tests and diagnosis. */
export function flightsInProgress(): number {
  sweep();
  return flights.size;
}

/**
 * Runs `dispatch`, which may receive handles; if it throws, those it has received already
 * are given back.
 */
export function receiving(dispatch: () => void): void {
  const outer = state.adopted;
  const mine: Handle[] = [];
  state.adopted = mine;
  try {
    dispatch();
  } catch (error) {
    for (const handle of mine) handle.dispose();
    throw error;
  } finally {
    state.adopted = outer;
  }
}

/** The handle's reference for a receiver, as a message part. */
export function launch(handle: Handle): WireHandle {
  const { context } = handle;
  const kind = kindOf(handle);
  const pointer = moving.has(handle) ? handle.take() : retain(handle, kind);
  moving.delete(handle);
  const claim = context.options.shared ? new SharedArrayBuffer(4) : null;
  const token = state.nextToken++;
  const wire: WireHandle = { arena: context.arena, kind, pointer, claim, token };
  const word = new Int32Array(claim ?? new ArrayBuffer(4));
  flights.set(token, new Flight(context, wire, word, Date.now() + state.leaseMs));
  watch(context);
  scheduleSweep();
  return wire;
}

/**
 * The handle a message carried, owned by this worker's engine for its arena.
 *
 * @throws TypeError no engine is attached to that arena here, the sender took it back, or the
 *   message has another shape
 */
export function land(wire: WireHandle): Handle {
  assertWire(wire);
  const context = contextOf(wire.arena);
  const word = wire.claim === null ? flights.get(wire.token)?.word : new Int32Array(wire.claim);
  if (word === undefined || Atomics.compareExchange(word, 0, FLYING, ADOPTED) !== FLYING) {
    throw new TypeError(`the ${wire.kind} expired in flight: its sender took it back`);
  }
  const handle = makeHandle(context, wire);
  state.adopted?.push(handle);
  return handle;
}

/** What has another shape must not become a pointer into the arena. */
function assertWire(wire: WireHandle): void {
  const fits =
    typeof wire === "object" &&
    wire !== null &&
    typeof wire.arena === "string" &&
    KINDS.includes(wire.kind) &&
    Number.isInteger(wire.pointer) &&
    (wire.claim === null || wire.claim instanceof SharedArrayBuffer);
  if (!fits) throw new TypeError("not a handle of vmaple: is the sender's of this version?");
}

function kindOf(handle: Handle): HandleKind {
  if (handle instanceof FileRef) return "FileRef";
  if (handle instanceof Page) return "Page";
  if (handle instanceof MmWithUserAsync) return "MmWithUserAsync";
  return handle instanceof MmWithUser ? "MmWithUser" : "Mm";
}

function retain(handle: Handle, kind: HandleKind): number {
  const { x } = handle.context.core;
  const { pointer } = handle;
  if (kind === "FileRef") x.file_get(pointer);
  else if (kind === "Page") x.page_get(pointer);
  else if (kind === "Mm") x.mmgrab(pointer);
  else x.mmget(pointer);
  return pointer;
}

function makeHandle(context: Context, { kind, pointer }: WireHandle): Handle {
  if (kind === "FileRef") return new FileRef(context, pointer);
  if (kind === "Page") return new Page(context, pointer);
  if (kind === "MmWithUserAsync") return new MmWithUserAsync(context, pointer);
  return kind === "MmWithUser" ? new MmWithUser(context, pointer) : new Mm(context, pointer);
}

/** An engine that goes takes its counts back first: afterwards nobody could. */
function watch(context: Context): void {
  if (watched.has(context)) return;
  watched.add(context);
  onClose(context, () => {
    revoke([...flights].filter(([, flight]) => flight.context === context).map(([token]) => token));
  });
}

function scheduleSweep(): void {
  if (state.sweeper !== undefined) return;
  state.sweeper = setInterval(() => {
    sweep();
    if (flights.size !== 0) return;
    clearInterval(state.sweeper as number);
    state.sweeper = undefined;
  }, SWEEP_MS);
  unref(state.sweeper);
}

/** Forgets what has landed; takes back what has been under way for too long. */
function sweep(): void {
  const now = Date.now();
  for (const [token, flight] of flights) {
    if (flight.landed) flights.delete(token);
    else if (now >= flight.until) revoke([token]);
  }
}

const isHandle = (value: unknown): value is Handle =>
  value instanceof Mm || value instanceof FileRef || value instanceof Page;
const isGuard = (value: unknown): value is MmapReadGuard | VmaRef =>
  value instanceof MmapReadGuard || value instanceof VmaRef;

/** Names of our handlers in comlink's table; endpoint.ts looks for the first in messages. */
export const HANDLE_HANDLER = "vmaple.handle";
const ERROR_HANDLER = "vmaple.error";
const GUARD_HANDLER = "vmaple.guard";
const ENGINE_HANDLER = "vmaple.engine";

/**
 * Puts our handlers into comlink's table; once a realm, further calls do nothing. Everything
 * in `vmaple/comlink` calls it; call it yourself if you use comlink's own `wrap` and `expose`.
 */
export function installTransferHandlers(): void {
  if (state.installed) return;
  state.installed = true;
  transferHandlers.set(HANDLE_HANDLER, {
    canHandle: isHandle,
    serialize: (handle: Handle): [WireHandle, Transferable[]] => [launch(handle), []],
    deserialize: land,
  });
  transferHandlers.set(ERROR_HANDLER, {
    canHandle: (value: unknown): value is MmError => value instanceof MmError,
    serialize: (error: MmError): [MmErrorFields, Transferable[]] => [mmErrorFields(error), []],
    deserialize: reviveMmError,
  });
  transferHandlers.set(GUARD_HANDLER, {
    canHandle: isGuard,
    serialize() {
      throw new NotThreadSafeError(
        "a guard, or a VmaRef, belongs to the worker that took the lock: send the Mm and lock there",
      );
    },
    deserialize() {
      throw new NotThreadSafeError("a guard cannot arrive");
    },
  });
  transferHandlers.set(ENGINE_HANDLER, {
    canHandle: (value: unknown): value is Engine => value instanceof Engine,
    serialize() {
      throw new NotThreadSafeError(
        "an Engine is one worker's: send engine.share() and attach there",
      );
    },
    deserialize() {
      throw new NotThreadSafeError("an Engine cannot arrive");
    },
  });
  wrapThrowHandler();
}

/** An error as comlink's own handler sends it, and what it drops. */
interface WireError {
  readonly isError: boolean;
  readonly value: unknown;
  readonly mmError?: MmErrorFields;
  readonly builtin?: keyof typeof BUILTINS;
}

const BUILTINS = { TypeError, RangeError, NotThreadSafeError };

/** comlink's handler of thrown values keeps message, name and stack; ours adds class and fields. */
function wrapThrowHandler(): void {
  const original = transferHandlers.get("throw");
  if (original === undefined) throw new TypeError("this comlink has no handler for thrown values");
  transferHandlers.set("throw", {
    canHandle: original.canHandle,
    serialize(thrown: { value: unknown }): [WireError, Transferable[]] {
      const [wire, transfer] = original.serialize(thrown) as [WireError, Transferable[]];
      return [{ ...wire, ...extrasOf(thrown.value) }, transfer];
    },
    deserialize(wire: WireError): never {
      if (wire.mmError !== undefined) throw reviveMmError(wire.mmError);
      if (wire.builtin !== undefined) {
        const { message, stack } = wire.value as Error;
        throw Object.assign(new BUILTINS[wire.builtin](message), { stack });
      }
      return original.deserialize(wire) as never;
    },
  });
}

function extrasOf(error: unknown): Partial<WireError> {
  if (error instanceof MmError) return { mmError: mmErrorFields(error) };
  if (error instanceof NotThreadSafeError) return { builtin: "NotThreadSafeError" };
  if (error instanceof TypeError) return { builtin: "TypeError" };
  if (error instanceof RangeError) return { builtin: "RangeError" };
  return {};
}

/** A thrown value as a reply that comlink's `wrap` understands. */
export function thrownReply(id: string, cause: unknown): object {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { message, name, stack } = error;
  const value: WireError = { isError: true, value: { message, name, stack }, ...extrasOf(error) };
  return { id, type: "HANDLER", name: "throw", value };
}

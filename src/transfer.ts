// comlink transfer handlers: handles counted in flight, errors intact, guards refused.
//
// A handle crosses as a flight (assembly/mm/flight.ts): the sender takes one count for the
// receiver before the message is posted and puts it into a record of the arena, whose address
// and claim travel along. The receiver lands it, or the sender recalls it: exactly one of them
// owns the count in the end.
//
// Invariants
//   T1  a count in flight is given back once: by the receiver's handle, or by the sender
//       when the message cannot be posted, its endpoint closes (endpoint.ts), the receiver
//       refuses it, the engine is disposed, or its lease ends; or by whoever reaps the sender.
//   T2  a receiver never lands a flight that was recalled: it throws TypeError.
//
// Floor: S5. Imports: engine and below.

import { transferHandlers } from "comlink";
import { Ref } from "../assembly/shared/abi.js";
import type { Context } from "./context.js";
import { Engine } from "./engine.js";
import {
  checked,
  errorOf,
  isErrno,
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
import { contextOf } from "./registry.js";
import { VmaRef } from "./vma.js";

/** What a handle's count is one of. */
const REFS = {
  Mm: Ref.COUNT,
  MmWithUser: Ref.USERS,
  MmWithUserAsync: Ref.USERS,
  FileRef: Ref.FILE,
  Page: Ref.PAGE,
} as const;
type HandleKind = keyof typeof REFS;

/** What takes one more. */
const GETS = {
  [Ref.COUNT]: "mmgrab",
  [Ref.USERS]: "mmget",
  [Ref.FILE]: "file_get",
  [Ref.PAGE]: "page_get",
} as const;

/** A handle in a message. */
export interface WireHandle {
  readonly arena: string;
  readonly kind: HandleKind;
  readonly pointer: number;
  /** The record that has the count meanwhile, and what its claim must be. */
  readonly flight: number;
  readonly claim: number;
  /** Names the flight in the sender's realm. */
  readonly token: number;
}

/** A count that belongs to a message. */
class Flight {
  constructor(
    readonly context: Context,
    readonly flight: number,
    readonly until: number,
  ) {}

  /** Ends it: gives the count back, unless it has landed. */
  recall(): void {
    this.context.core.x.flight_recall(this.flight);
  }

  get landed(): boolean {
    return this.context.core.x.flight_landed(this.flight) !== 0;
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

/** Ends flights: counts that nobody has received are taken back. Unknown ones are ignored. */
export function revoke(tokens: Iterable<number>): void {
  for (const token of tokens) {
    const flight = flights.get(token);
    if (flight === undefined) continue;
    flights.delete(token);
    flight.recall();
  }
}

/** Counts of this realm that are still in flight: for tests and diagnosis. */
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

/**
 * The handle's reference for a receiver, as a message part.
 *
 * @throws MmError ENOMEM the arena is full
 */
export function launch(handle: Handle): WireHandle {
  const { context } = handle;
  const { x, u32 } = context.core;
  const kind = kindOf(handle);
  const moved = moving.has(handle);
  const pointer = moved ? handle.assertTakeable() : retain(handle, kind);
  const flight = x.flight_launch(REFS[kind], pointer);
  if (isErrno(flight)) {
    if (!moved) makeHandle(context, kind, pointer).dispose();
    throw errorOf(flight, "postMessage");
  }
  const claim = u32[0] as number;
  if (moved) handle.take();
  moving.delete(handle);
  const token = state.nextToken++;
  const wire: WireHandle = { arena: context.arena, kind, pointer, flight, claim, token };
  flights.set(token, new Flight(context, flight, Date.now() + state.leaseMs));
  watch(context);
  scheduleSweep();
  return wire;
}

/**
 * The handle a message carried, owned by this worker's engine for its arena.
 *
 * @throws TypeError no engine is attached to that arena here, the sender took it back, or the
 *   message has another shape
 * @throws MmError ENOMEM the arena is full
 */
export function land(wire: WireHandle): Handle {
  assertWire(wire);
  const context = contextOf(wire.arena);
  if (checked(context.core.x.flight_land(wire.flight, wire.claim), "receive") === 0) {
    throw new TypeError(`the ${wire.kind} expired in flight: its sender took it back`);
  }
  const handle = makeHandle(context, wire.kind, wire.pointer);
  state.adopted?.push(handle);
  return handle;
}

/** What has another shape must not become a pointer into the arena. */
function assertWire(wire: WireHandle): void {
  const fits =
    typeof wire === "object" &&
    wire !== null &&
    typeof wire.arena === "string" &&
    Object.hasOwn(REFS, wire.kind) &&
    [wire.pointer, wire.flight, wire.claim].every(Number.isInteger);
  if (!fits) throw new TypeError("not a handle of vmaple: is the sender's of this version?");
}

function kindOf(handle: Handle): HandleKind {
  if (handle instanceof FileRef) return "FileRef";
  if (handle instanceof Page) return "Page";
  if (handle instanceof MmWithUserAsync) return "MmWithUserAsync";
  return handle instanceof MmWithUser ? "MmWithUser" : "Mm";
}

function retain(handle: Handle, kind: HandleKind): number {
  const { pointer } = handle;
  checked(handle.context.core.x[GETS[REFS[kind]]](pointer), "postMessage");
  return pointer;
}

function makeHandle(context: Context, kind: HandleKind, pointer: number): Handle {
  if (kind === "FileRef") return new FileRef(context, pointer);
  if (kind === "Page") return new Page(context, pointer);
  if (kind === "MmWithUserAsync") return new MmWithUserAsync(context, pointer);
  return kind === "MmWithUser" ? new MmWithUser(context, pointer) : new Mm(context, pointer);
}

/** An engine that goes takes its counts back first: afterwards nobody could. */
function watch(context: Context): void {
  if (watched.has(context)) return;
  watched.add(context);
  context.closers.add(() => {
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

/** Ends flights that have landed, and those that have been under way for too long. */
function sweep(): void {
  const now = Date.now();
  const over = [...flights].filter(([, flight]) => flight.landed || now >= flight.until);
  revoke(over.map(([token]) => token));
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

// A comlink endpoint that knows what is under way on it.
//
//   sent      claims in messages it has posted: taken back if the other side is gone
//   pending   calls without an answer: rejected then, where comlink would wait for ever. An
//             answer tells that the call's own claims have arrived, or been refused
//   received  a message whose handles cannot be adopted is answered with the error
//
// Floor: S5. Imports: transfer.

import type { Endpoint } from "comlink";
import type { HostPort } from "./host.js";
import { HANDLE_HANDLER, receiving, revoke, thrownReply, type WireHandle } from "./transfer.js";

/** A part of a comlink message. */
interface WireValue {
  readonly type?: string;
  readonly name?: string;
  readonly value?: unknown;
}

interface Message extends WireValue {
  readonly id?: string;
  readonly argumentList?: readonly WireValue[];
  /** Of requests only. */
  readonly path?: unknown;
}

type Listener = (event: { data: unknown }) => void;

export class TrackedEndpoint implements Endpoint {
  readonly #port: HostPort;
  readonly #listeners = new Map<unknown, { take: () => void; call: Listener }>();
  /** The claims of each. */
  readonly #pending = new Map<string, readonly number[]>();
  readonly #sent = new Set<number>();
  #closed: Error | null = null;
  /** The call that ends a `wrap`: its answer is the last message. */
  #releasing: string | undefined;

  /** @param watch false: somebody else calls `close`, with a better reason than that the port is gone */
  constructor(port: HostPort, watch = true) {
    this.#port = port;
    if (watch) port.onClose(() => this.close(new Error("the other side of the port is gone")));
  }

  postMessage(message: Message, transfer: readonly Transferable[] = []): void {
    const claims = claimsIn(message);
    if (this.#closed !== null) {
      revoke(claims);
      this.#answer(message.id, this.#closed);
      return;
    }
    try {
      this.#port.postMessage(message, transfer);
    } catch (error) {
      revoke(claims);
      throw error;
    }
    for (const token of claims) this.#sent.add(token);
    if (message.id !== undefined && isRequest(message)) this.#pending.set(message.id, claims);
    if (message.type === "RELEASE") this.#releasing = message.id;
  }

  addEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    const handler = listener as unknown as Listener | { handleEvent: Listener };
    const call = typeof handler === "function" ? handler : handler.handleEvent.bind(handler);
    const take = this.#port.listen((data) => this.#receive(data as Message, call));
    this.#listeners.set(listener, { take, call });
  }

  removeEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.#listeners.get(listener)?.take();
    this.#listeners.delete(listener);
    // comlink's `expose` takes its listener away when it is released.
    if (this.#listeners.size === 0) this.#port.close();
  }

  start(): void {
    this.#port.start();
  }

  /** The other side is gone: nothing arrives any more, in either direction. */
  close(cause: Error): void {
    if (this.#closed !== null) return;
    this.#closed = cause;
    revoke(this.#sent);
    this.#sent.clear();
    for (const id of this.#pending.keys()) this.#answer(id, cause);
    this.#pending.clear();
    this.#port.close();
  }

  #receive(message: Message, call: Listener): void {
    if (typeof message === "object" && message?.id !== undefined) this.#answered(message.id);
    try {
      receiving(() => call({ data: message }));
    } catch (error) {
      if (message?.id === undefined) throw error;
      this.#port.postMessage(thrownReply(message.id, error), []);
    }
    if (message?.id !== undefined && message.id === this.#releasing) this.#port.close();
  }

  #answered(id: string): void {
    const claims = this.#pending.get(id) ?? [];
    this.#pending.delete(id);
    revoke(claims);
    for (const token of claims) this.#sent.delete(token);
  }

  /** Answers a call in the other side's place. */
  #answer(id: string | undefined, cause: Error): void {
    if (id === undefined) return;
    const data = thrownReply(id, cause);
    queueMicrotask(() => {
      for (const { call } of this.#listeners.values()) call({ data });
    });
  }
}

function isRequest(message: Message): boolean {
  return message.type !== "HANDLER" && message.type !== "RAW";
}

/** Tokens of the handles that a comlink message carries. */
function claimsIn(message: Message): number[] {
  const parts = [message, message.value as WireValue, ...(message.argumentList ?? [])];
  return parts
    .filter((part) => part?.type === "HANDLER" && part.name === HANDLE_HANDLER)
    .map((part) => (part.value as WireHandle).token);
}

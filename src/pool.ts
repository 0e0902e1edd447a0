// WorkerPool: N workers, each with an engine attached to one arena, reached through comlink.
//
// Control plane only: start, run a whole task, stop. What happens per VMA happens inside
// the worker, on its own wasm instance.
//
//   pool                              worker (exposeWorker)
//    start {share, port, lifeline} -> Engine.attach, setup, expose the API on `port`
//    <------- ready {slot} | failed {error}
//    stop  ----------------------->   engine.dispose
//    <------- stopped
//
// Floor: S5. Imports: engine, endpoint, transfer, platform.

import {
  expose as comlinkExpose,
  wrap as comlinkWrap,
  type Remote,
  transferHandlers,
} from "comlink";
import { TrackedEndpoint } from "./endpoint.js";
import { Engine, type EngineShare } from "./engine.js";
import type { HostPort, HostWorker } from "./host.js";
import { host, unref } from "./platform.js";
import { markEnd, type ReapReport, type ReservedSeat, reapWorker, reserveSeat } from "./reap.js";
import { installTransferHandlers, thrownReply } from "./transfer.js";

/** What a worker exposes: an object, or what makes one once its engine is attached. */
export type WorkerSetup<Api extends object> = Api | ((engine: Engine) => Api | Promise<Api>);

export interface WrapOptions {
  /**
   * Told what a worker that died had held, once that is given up, by the pool or by another
   * worker that waited for it. Not for a worker that gave its seat back itself.
   */
  readonly onReap?: (report: ReapReport, slot: number) => void;
  /** How long a worker may take from start to `exposeWorker`. Default 10 s. */
  readonly startTimeoutMs?: number;
}

export interface PoolOptions extends WrapOptions {
  /** The engine whose arena the workers attach to; must be shared. */
  readonly engine: Engine;
  /** Number of workers. */
  readonly size: number;
  /** Module of the worker; it calls {@link exposeWorker}. */
  readonly url: URL | string;
}

type Order =
  | { vmaple: "start"; share: EngineShare; port: MessagePort; lifeline: string | null }
  | { vmaple: "stop" };
type Report =
  | { vmaple: "ready"; slot: number }
  | { vmaple: "failed"; error: object }
  | { vmaple: "stopped"; error: object | null };

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 2_000;
const REAP_POLL_MS = 5;

/**
 * The worker's side: waits for the pool, attaches an engine, and exposes what `setup`
 * makes of it. Call it once, at the top level of the worker's module.
 *
 * @throws TypeError not in a worker
 */
export async function exposeWorker<Api extends object>(setup: WorkerSetup<Api>): Promise<void> {
  installTransferHandlers();
  const parent = await host.parentPort();
  if (parent === null) throw new TypeError("exposeWorker belongs into a worker");
  let engine: Engine | undefined;
  let started = false;
  const stopListening = parent.listen((data) => {
    const order = data as Order;
    if (order?.vmaple === "start") {
      if (started) return refuse(parent, new TypeError("this worker has an engine already"));
      started = true;
      startWorker(setup, order, parent).then((made) => {
        engine = made;
      });
    } else if (order?.vmaple === "stop") {
      parent.postMessage({ vmaple: "stopped", error: leave(engine) } satisfies Report, []);
      stopListening(); // nothing keeps a Node worker alive any more
    }
  });
  parent.start();
}

/** Gives the seat back; an error if the worker still holds locks. */
function leave(engine: Engine | undefined): object | null {
  try {
    engine?.dispose();
    return null;
  } catch (error) {
    return thrownReply("", error);
  }
}

async function startWorker<Api extends object>(
  setup: WorkerSetup<Api>,
  order: Extract<Order, { vmaple: "start" }>,
  parent: HostPort,
): Promise<Engine | undefined> {
  let engine: Engine | undefined;
  try {
    // Before the seat: who takes the lifeline knows that nobody sits there any more, or will.
    if (typeof order.lifeline === "string") await host.holdLifeline(order.lifeline);
    engine = await Engine.attach(order.share);
    markAtExit(engine);
    const api = typeof setup === "function" ? await setup(engine) : setup;
    comlinkExpose(api, new TrackedEndpoint(adopt(order.port)));
    parent.postMessage({ vmaple: "ready", slot: engine.slot } satisfies Report, []);
    return engine;
  } catch (error) {
    engine?.dispose();
    refuse(parent, error);
    return undefined;
  }
}

/** The owner hears of the end as well, but may itself be asleep, waiting for a lock held here. */
function markAtExit(engine: Engine): void {
  host.onExit(() => {
    if (!engine.disposed) markEnd(engine.context.core);
  });
}

function refuse(parent: HostPort, error: unknown): void {
  parent.postMessage({ vmaple: "failed", error: thrownReply("", error) } satisfies Report, []);
}

/** One started worker. */
export class PoolWorker<Api extends object> {
  readonly #worker: HostWorker;
  readonly #endpoint: TrackedEndpoint;
  /** What the worker exposed; calls reject if it dies. */
  readonly api: Remote<Api>;
  /** Its seat in the engine. */
  readonly slot: number;
  #stopped: Promise<void> | undefined;

  /** @internal */
  constructor(worker: HostWorker, endpoint: TrackedEndpoint, api: Remote<Api>, slot: number) {
    this.#worker = worker;
    this.#endpoint = endpoint;
    this.api = api;
    this.slot = slot;
  }

  /**
   * Lets the worker give its seat back, then ends it. Calls under way reject.
   *
   * @throws TypeError it still held locks
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { port } = this.#worker;
    const stopped = new Promise<object | null>((resolve) => {
      this.#worker.onDeath(() => resolve(null));
      port.listen((data) => {
        const report = data as Report;
        if (report?.vmaple === "stopped") resolve(report.error);
      });
    });
    port.postMessage({ vmaple: "stop" } satisfies Order, []);
    const error = await Promise.race([stopped, delay(STOP_TIMEOUT_MS)]);
    this.#endpoint.close(new Error("worker was stopped"));
    await this.#worker.terminate();
    if (error !== null) throw revive(error);
  }
}

/**
 * The owner's side: attaches one worker to `engine`. Rejects with the cause if the worker
 * cannot be loaded, throws at its top level, or its setup fails.
 *
 * @param worker a web Worker, or a Worker of node:worker_threads
 * @throws TypeError not a worker, or the engine is not shared
 */
export async function wrapWorker<Api extends object>(
  worker: object,
  engine: Engine,
  options: WrapOptions = {},
): Promise<PoolWorker<Api>> {
  const adopted = host.adoptWorker(worker);
  if (adopted === null) throw new TypeError("wrapWorker takes a Worker");
  return start<Api>(adopted, engine, options);
}

async function start<Api extends object>(
  worker: HostWorker,
  engine: Engine,
  { startTimeoutMs = START_TIMEOUT_MS, onReap }: WrapOptions,
): Promise<PoolWorker<Api>> {
  installTransferHandlers();
  const share = engine.share();
  const { port1, port2 } = new MessageChannel();
  const endpoint = new TrackedEndpoint(adopt(port1), false);
  const lifeline = host.newLifeline();
  try {
    const seat = reserveSeat(engine.context.core);
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`worker did not call exposeWorker within ${startTimeoutMs} ms`)),
          startTimeoutMs,
        );
        worker.onDeath((cause) => {
          clearTimeout(timer);
          endpoint.close(cause);
          reject(cause);
        });
        worker.port.listen((data) => {
          const report = data as Report;
          if (report?.vmaple !== "ready" && report?.vmaple !== "failed") return;
          clearTimeout(timer);
          if (report.vmaple === "failed") reject(revive(report.error));
          else if (report.slot === seat.slot) resolve();
          else reject(new TypeError("not the worker's seat: is its vmaple of this version?"));
        });
        worker.port.start();
        const order: Order = { vmaple: "start", share: { ...share, seat }, port: port2, lifeline };
        worker.port.postMessage(order, [port2]);
      });
    } finally {
      // It sits there, or it may have died before it could say so.
      reapOnceGone(worker, lifeline, engine, seat, onReap);
    }
    worker.onDeath(() => worker.terminate()); // in a browser it may have survived its error
    return new PoolWorker<Api>(worker, endpoint, comlinkWrap<Api>(endpoint), seat.slot);
  } catch (error) {
    endpoint.close(error as Error);
    await worker.terminate();
    throw error;
  }
}

/** A worker that ends without having given its seat back is reaped. */
function reapOnceGone(
  worker: HostWorker,
  lifeline: string | null,
  engine: Engine,
  seat: ReservedSeat,
  onReap: WrapOptions["onReap"],
): void {
  worker.onGone(lifeline, async () => {
    let report: ReapReport | null | undefined;
    while (report === undefined) {
      if (engine.disposed) return;
      report = reapWorker(engine.context.core, seat);
      if (report === undefined) await delay(REAP_POLL_MS);
    }
    if (report !== null) onReap?.(report, seat.slot);
  });
}

/** Workers attached to one engine. */
export class WorkerPool<Api extends object> implements AsyncDisposable {
  readonly workers: readonly PoolWorker<Api>[];

  private constructor(workers: readonly PoolWorker<Api>[]) {
    this.workers = workers;
  }

  /**
   * Starts `size` workers and attaches each to the engine.
   *
   * @throws RangeError size is not a positive integer
   * @throws Error a worker could not start: its own cause; the others are stopped again
   * @throws MmError EAGAIN the engine has no seat left
   */
  static async create<Api extends object>(options: PoolOptions): Promise<WorkerPool<Api>> {
    const { engine, size, url } = options;
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`size must be a positive integer, not ${size}`);
    }
    engine.share(); // refuses an engine that is not shared, before any worker starts
    const started = await Promise.allSettled(
      Array.from({ length: size }, async (_, i) =>
        start<Api>(await host.startWorker(url, `vmaple-${i}`), engine, options),
      ),
    );
    const workers = started.flatMap((s) => (s.status === "fulfilled" ? [s.value] : []));
    const failed = started.find((s) => s.status === "rejected");
    if (failed !== undefined) {
      await Promise.all(workers.map((worker) => worker.stop()));
      throw failed.reason;
    }
    return new WorkerPool(workers);
  }

  /** Runs one task in every worker at once; results in the workers' order. */
  run<Result>(
    task: (api: Remote<Api>, index: number) => Promise<Result>,
  ): Promise<Awaited<Result>[]> {
    return Promise.all(this.workers.map((worker, index) => task(worker.api, index)));
  }

  /** Stops all workers; they give their seats back. */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * comlink's `expose` with our handlers and a tracked endpoint.
 *
 * @param endpoint a MessagePort or the like; default: whoever started this worker
 */
export async function expose(api: object, endpoint?: object): Promise<void> {
  installTransferHandlers();
  const port = endpoint === undefined ? await host.parentPort() : adopt(endpoint);
  if (port === null) throw new TypeError("expose needs an endpoint outside a worker");
  comlinkExpose(api, new TrackedEndpoint(port));
}

/**
 * comlink's `wrap` with our handlers and a tracked endpoint: if the worker dies or the port
 * closes, calls under way reject, and references in flight come back.
 *
 * @param endpoint a Worker or MessagePort, of the browser or of node:worker_threads
 */
export function wrap<Api>(endpoint: object): Remote<Api> {
  installTransferHandlers();
  const worker = host.adoptWorker(endpoint);
  const tracked = new TrackedEndpoint(worker === null ? adopt(endpoint) : worker.port);
  worker?.onDeath((cause) => tracked.close(cause));
  return comlinkWrap<Api>(tracked);
}

function adopt(endpoint: object): HostPort {
  const port = host.adoptPort(endpoint);
  if (port === null) throw new TypeError("not an endpoint: pass a Worker or a MessagePort");
  return port;
}

/** The error in a reply made by thrownReply. */
function revive(reply: object): unknown {
  try {
    return transferHandlers.get("throw")?.deserialize((reply as { value: unknown }).value);
  } catch (error) {
    return error;
  }
}

function delay(ms: number): Promise<null> {
  return new Promise((resolve) => {
    unref(setTimeout(() => resolve(null), ms));
  });
}

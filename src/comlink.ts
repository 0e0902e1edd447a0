// Table of contents of `vmaple/comlink`: the control plane over comlink.
//
// Importing it installs nothing: expose, wrap, exposeWorker, wrapWorker and WorkerPool do
// on first use, and installTransferHandlers does for users of comlink's own functions.

export type { Remote } from "comlink";
export { proxy, releaseProxy } from "comlink";
export {
  expose,
  exposeWorker,
  type PoolOptions,
  PoolWorker,
  WorkerPool,
  type WorkerSetup,
  type WrapOptions,
  wrap,
  wrapWorker,
} from "./pool.js";
export { flightsInProgress, installTransferHandlers, move, setTransferLease } from "./transfer.js";

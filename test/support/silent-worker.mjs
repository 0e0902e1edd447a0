// A worker that is no pool worker: it never calls exposeWorker.

import { parentPort } from "node:worker_threads";

parentPort.on("message", () => {});

// A thread of lib/crew.mjs: prepares its task, runs it while the window is open, reports.

import { parentPort, workerData } from "node:worker_threads";
import { repeat } from "./crew.mjs";

const { module, task, control, warmUpMs } = workerData;
const { prepare } = await import(module);
const { step, checksum, extra, finish } = await prepare(task);
const sum = checksum?.() ?? 0;
const counted = repeat(control, step, warmUpMs);
parentPort.postMessage({ ...counted, checksum: sum, extra: extra?.() ?? {} });
finish?.();

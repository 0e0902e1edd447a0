// A plain worker thread that sends back what it gets: the control row's yardstick.

import { parentPort } from "node:worker_threads";

parentPort.on("message", (value) => parentPort.postMessage(value));

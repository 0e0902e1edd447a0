// A pool worker that ends while it is being set up, holding a lock. Runs the built package.

import { exposeWorker } from "../../dist/src/comlink.js";

exposeWorker((engine) => {
  engine.createMm().mmapWriteLock();
  process.exit(4);
});

// The worker of the control row: does nothing, so that only starting it is measured.

import { exposeWorker } from "../../dist/src/comlink.js";

await exposeWorker({
  /** @param {number} value */
  echo: (value) => value,
});

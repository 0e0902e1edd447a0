// Builds what only the bench needs: build/mm-bench.wasm, from assembly/mm-bench.ts.
//
// `npm run build` makes the rest. As there, nothing happens if the output is newer than
// every source of the core.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, coreInputs, isFresh } from "../../scripts/lib/compile.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUTPUT = "build/mm-bench.wasm";

/** @throws Error with the compiler's words */
export async function buildLoops() {
  if (isFresh(join(ROOT, OUTPUT), coreInputs())) return;
  await compile({ entry: "assembly/mm-bench.ts", target: "release", out: OUTPUT });
}

// How the page of this folder is built: for the test, and for `npm run kill-test -- --browser`.

import { fileURLToPath } from "node:url";
import type { InlineConfig } from "vite";

export const threadPage: InlineConfig = {
  configFile: false,
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  build: { target: "es2022" },
  worker: { format: "es" },
};

// The version of the package that this program belongs to.

import { readFileSync } from "node:fs";

/** From the program's place in the package: dist/src/cli/version.js. */
const MANIFEST = new URL("../../../package.json", import.meta.url);

export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(MANIFEST, "utf8")) as { version: string };
  return manifest.version;
}

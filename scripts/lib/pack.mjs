// `npm pack` into a folder: what a user would install, as a file.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Packs the package in `source` as it stands; runs none of its scripts.
 *
 * @param {string} folder where the tarball goes
 * @param {string} source the package's folder
 * @returns {string} the tarball's path
 */
export function pack(folder, source = ROOT) {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder, source];
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`npm ${args.join(" ")}: exit ${status}\n${stderr}`);
  // npm 11 lists the packages, npm 12 names them.
  const told = Object.values(JSON.parse(stdout));
  return join(folder, told[0].filename);
}

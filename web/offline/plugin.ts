// The build's half of the service worker: tells it which files there are.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin, Rolldown } from "vite";

/** The name that the page registers: fixed, as the browser looks for new versions there. */
export const SW_FILE = "sw.js";
const FILES_MARK = "__VMAPLE_FILES__";
const VERSION_MARK = "__VMAPLE_VERSION__";

/**
 * Writes the list of all files of the build, and a hash of their contents, into sw.js.
 *
 * @throws Error sw.js is not among the outputs, or is not in one piece
 */
export function precache(): Plugin {
  let publicFolder = "";
  return {
    name: "vmaple-precache",
    apply: "build",
    configResolved(config) {
      publicFolder = config.publicDir;
    },
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const worker = bundle[SW_FILE];
        if (worker?.type !== "chunk") throw new Error(`the build made no ${SW_FILE}`);
        if (worker.imports.length > 0) throw new Error(`${SW_FILE} must be one file`);
        const contents = new Map([...publicFiles(publicFolder), ...builtFiles(bundle)]);
        const files = [...contents.keys()].sort();
        const hash = createHash("sha256").update(worker.code);
        for (const file of files) hash.update(file).update(contents.get(file)!);
        worker.code = worker.code
          .replace(FILES_MARK, () => JSON.stringify(files).replaceAll('"', '\\"'))
          .replace(VERSION_MARK, hash.digest("hex").slice(0, 16));
        if (worker.code.includes("__VMAPLE_")) throw new Error(`${SW_FILE} was not filled in`);
      },
    },
  };
}

function builtFiles(bundle: Rolldown.OutputBundle): [string, string | Uint8Array][] {
  return Object.values(bundle)
    .filter(({ fileName }) => fileName !== SW_FILE && !fileName.endsWith(".map"))
    .map((file) => [file.fileName, file.type === "chunk" ? file.code : file.source]);
}

function publicFiles(folder: string): [string, Uint8Array][] {
  if (folder === "" || !existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1).replaceAll("\\", "/"), readFileSync(path)];
    });
}

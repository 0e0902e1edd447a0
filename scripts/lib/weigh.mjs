// What a part of the package weighs in somebody's bundle: bytes, minified and gzipped.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { ROOT } from "./pack.mjs";

const WASM_MODULE = /\/generated\/wasm\.js$/;

/** The wasm's bytes have a budget of their own. */
const withoutWasm = {
  name: "without-wasm",
  load: (id) => (WASM_MODULE.test(id) ? 'export const WASM_BASE64 = "";' : null),
};

/**
 * @typedef {object} Bundle
 * @property {string} code minified
 * @property {number} bytes of it, gzipped
 * @property {string[]} modules relative to the package, that something of is left in it
 */

/**
 * @param {string} entry a module of dist/
 * @returns {Promise<Bundle>} without comlink and without the wasm's bytes
 */
export async function bundle(entry) {
  const bundled = await rolldown({
    input: join(ROOT, entry),
    external: ["comlink"],
    platform: "browser",
    plugins: [withoutWasm],
  });
  const { output } = await bundled.generate({ format: "es", minify: true, comments: false });
  const [chunk, ...others] = output;
  if (others.length !== 0) throw new Error(`${entry}: ${output.length} chunks instead of one`);
  const modules = Object.entries(chunk.modules)
    .filter(([, { renderedLength }]) => renderedLength > 0)
    .map(([id]) => id.slice(ROOT.length));
  return { code: chunk.code, bytes: gzipSync(chunk.code).length, modules };
}

/** @param {string} file relative to the package */
export function gzippedBytes(file) {
  return gzipSync(readFileSync(join(ROOT, file))).length;
}

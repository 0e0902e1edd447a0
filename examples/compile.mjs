// An AssemblyScript file of the examples -> a compiled module. Clang, rustc or any other
// compiler that makes wasm would do as well.

import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

/** @param {URL} source */
export async function compile(source, ...options) {
  const path = fileURLToPath(source);
  const baseDir = dirname(path); // where no asconfig.json lies
  let bytes;
  const { error, stderr } = await asc.main(
    [
      basename(path),
      "-O3",
      "--runtime",
      "stub",
      "--outFile",
      "out.wasm",
      "--baseDir",
      baseDir,
      ...options,
    ],
    {
      writeFile(_, contents) {
        bytes = contents;
      },
    },
  );
  if (error) throw new Error(`${path}: ${error.message}\n${stderr}`);
  return WebAssembly.compile(bytes);
}

// `vmaple/maps`: reads and writes /proc/PID/maps and smaps. No wasm.

export type { Chunk, Problem, ReaderOptions } from "./lines.js";
export * from "./maps-line.js";
export * from "./maps-query.js";
export { InputError } from "./ndjson.js";
export * from "./smaps.js";

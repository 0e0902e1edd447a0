// Builds the program and runs it with its system calls; prints its answer and its final map.

import { Engine } from "vmaple";
import { compile } from "../compile.mjs";
import { memorySyscalls } from "./syscalls.mjs";

/** 4 MiB; what lies below 64 KiB is the program's own. */
const WASM_PAGES = 64;
const BASE = 65536;

const memory = new WebAssembly.Memory({ initial: WASM_PAGES, maximum: WASM_PAGES });
const engine = await Engine.create();
const { env, mm } = memorySyscalls(engine, memory, BASE);
const module = await compile(new URL("./program.ts", import.meta.url), "--importMemory");
const imports = { env: { ...env, memory, abort: () => undefined } };
const { exports: program } = await WebAssembly.instantiate(module, imports);

const answer = program.main();
const sound = mm.validate().length === 0;
console.log(JSON.stringify({ answer, sound, maps: mm.maps().trimEnd().split("\n") }));
mm.dispose();
engine.dispose();

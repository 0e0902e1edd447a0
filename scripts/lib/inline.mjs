// Inlines the core's smaller functions into their callers, once asc has optimized it.
//
// asc inlines what calls nothing and what has one caller. What is left are the short functions
// between a call and its work (reserve, log, look up a field); V8 does not inline, and each
// call costs it 1 to 2 ns, with what is spilled around it. Measured against asc's output:
//
//   nodes   mmap + munmap   mprotect   mremap   fork   engine.wasm, gzipped
//      40            0.92       0.96     0.97   0.98                30.3 KB
//      60            0.89       0.96     0.94   0.94                31.4 KB
//     100            0.84       0.90     0.92   0.91                41.8 KB

import binaryen from "binaryen";

/** Expressions of a function that is inlined wherever it is called. */
const ALWAYS_NODES = 60;
/** The same of one that calls nothing. */
const LEAF_NODES = 100;
/** The rest as asc has it for -O3: optimization, and expressions of what has one caller. */
const LEVEL = 4;
const ONE_CALLER_NODES = 200;

const on = binaryen.Features;
const FEATURES =
  on.Atomics |
  on.SIMD128 |
  on.BulkMemory |
  on.BulkMemoryOpt |
  on.MutableGlobals |
  on.SignExt |
  on.NontrappingFPToInt;

/**
 * @param {Uint8Array} bytes a module that asc has made
 * @returns {Uint8Array} the same, without calls of small functions
 */
export function inlineCalls(bytes) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(FEATURES);
  binaryen.setOptimizeLevel(LEVEL);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(ALWAYS_NODES);
  binaryen.setFlexibleInlineMaxSize(LEAF_NODES);
  binaryen.setOneCallerInlineMaxSize(ONE_CALLER_NODES);
  module.runPasses(["inlining-optimizing"]);
  module.optimize();
  const inlined = module.emitBinary();
  module.dispose();
  return inlined;
}

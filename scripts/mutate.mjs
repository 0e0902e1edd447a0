// Mutation testing of the merge and split rules and of the index: each is broken alone; some
// test must notice.
//
//   npm run mutate -- --help
//
// A mutant is one textual edit of assembly/, applied to a copy of the project in a
// temporary folder: the text must occur there exactly once. Its verify build stands in for
// both builds, so that golden cases and unit tests run against it; the index is built and
// tested alone (assembly/maple-bench.ts). Prints which test
// caught each mutant first; exits 1 if one survives, 2 if an edit does not fit any more.

import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readOptions } from "./options.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** How many mutants are built and tested at the same time. */
const LANES = 2;
/** What is built, and which tests run against it. */
const ENGINE = {
  entry: "assembly/index.ts",
  out: "build/engine.verify.wasm",
  tests: [
    "test/unit/core/ops",
    "test/unit/core/mm/liveness.test.ts",
    "test/oracle/golden.test.ts",
    "test/model/mm.model.test.ts",
  ],
};
const INDEX = {
  entry: "assembly/maple-bench.ts",
  out: "build/maple-bench.verify.wasm",
  tests: [
    "test/unit/maple.test.ts",
    "test/unit/maple-gaps.test.ts",
    "test/model/maple.model.test.ts",
  ],
};

/** [file below assembly/, what is broken, text, what stands there instead] */
const MUTANTS = [
  // May two VMAs be one?
  ["ops/merge.ts", "adjacency is not asked", "apart |= Apart.NOT_ADJACENT", "apart |= 0"],
  ["ops/merge.ts", "flags are not compared", "apart |= Apart.FLAGS", "apart |= 0"],
  ["ops/merge.ts", "sticky flags keep apart", "((a ^ b) & ~VM_STICKY) != 0", "(a ^ b) != 0"],
  ["ops/merge.ts", "special VMAs merge", "apart |= Apart.SPECIAL", "apart |= 0"],
  ["ops/merge.ts", "files are not compared", "apart |= Apart.FILE", "apart |= 0"],
  ["ops/merge.ts", "pgoff is not compared", "apart |= Apart.PGOFF", "apart |= 0"],
  ["ops/merge.ts", "identities are not compared", "apart |= Apart.ANON_VMA", "apart |= 0"],
  ["ops/merge.ts", "names are not compared", "apart |= Apart.ANON_NAME", "apart |= 0"],
  [
    "ops/merge.ts",
    "inherited identities merge with none (left)",
    "if (a == AnonVma.NONE) return (b & AnonVma.FORKED) == 0",
    "if (a == AnonVma.NONE) return true",
  ],
  [
    "ops/merge.ts",
    "inherited identities merge with none (right)",
    "if (b == AnonVma.NONE) return (a & AnonVma.FORKED) == 0",
    "if (b == AnonVma.NONE) return true",
  ],
  [
    "ops/merge.ts",
    "two identities are bridged",
    "return a == AnonVma.NONE || b == AnonVma.NONE || a == b",
    "return true",
  ],
  [
    "ops/merge.ts",
    "the neighbour's identity is not adopted",
    "  if (word != AnonVma.NONE) set_vm_anon_vma(vma, word);\n",
    "",
  ],
  // The merge itself.
  ["ops/merge.ts", "growing down keeps the old pgoff", "  set_vm_pgoff(next, vm_pgoff(c));\n", ""],
  [
    "ops/merge.ts",
    "the successor's sticky flags are lost",
    "flags |= vm_flags(next) & VM_STICKY",
    "flags |= 0",
  ],
  [
    "ops/merge.ts",
    "a head change is taken for a middle one",
    "const prev = at_start ? vma_lookup(mm, vm_start(vma) - 1) : 0",
    "const prev: usize = 0",
  ],
  [
    "ops/merge.ts",
    "a tail change is taken for a middle one",
    "const next = at_end ? vma_lookup(mm, vm_end(vma)) : 0",
    "const next: usize = 0",
  ],
  [
    "ops/merge.ts",
    "a trimmed VMA keeps its pgoff",
    "  set_vm_pgoff(vma, vm_pgoff(vma) + ((start - vm_start(vma)) >> page_shift(mm)));\n",
    "",
  ],
  ["ops/merge.ts", "a split keeps the whole length", "  set_vm_end(vma, at);\n", ""],
  // Splits and their limits.
  [
    "ops/modify.ts",
    "the head split ignores the limit",
    "if (!may_split(vma, start)) return -Errno.EINVAL;\n    if (map_count(mm) >= max_map_count(mm)) return -Errno.ENOMEM",
    "if (!may_split(vma, start)) return -Errno.EINVAL",
  ],
  [
    "ops/modify.ts",
    "the tail split ignores the limit",
    "if (!may_split(target, end)) return -Errno.EINVAL;\n    if (map_count(mm) >= max_map_count(mm)) return -Errno.ENOMEM",
    "if (!may_split(target, end)) return -Errno.EINVAL",
  ],
  [
    "ops/modify.ts",
    "no merge is tried",
    "const merged = merge_modified(mm, vma, c)",
    "const merged: usize = 0",
  ],
  [
    "ops/munmap.ts",
    "every cut is asked against the limit",
    "const inside = end < vm_end(vma)",
    "const inside = true",
  ],
  [
    "ops/munmap.ts",
    "a sealed first VMA is cut",
    "if ((vm_flags(vma) & VM_SEALED) != 0) return -Errno.EPERM; // no use",
    "// no use",
  ],
  [
    "ops/munmap.ts",
    "huge pages are cut anywhere",
    "(vm_flags(vma) & VM_HUGETLB) == 0 ||",
    "true ||",
  ],
  ["ops/munmap.ts", "the end is not cut", "if (vm_end(vma) > end) {", "if (vm_end(vma) < end) {"],
  [
    "ops/mprotect.ts",
    "a hole does not stop",
    "if (vma == 0 || vm_start(vma) > at) return -Errno.ENOMEM",
    "if (vma == 0) return -Errno.ENOMEM",
  ],
  [
    "ops/mprotect.ts",
    "touched memory is let off the account",
    " && vm_anon_vma(vma) == AnonVma.NONE) {",
    ") {",
  ],
  [
    "ops/mprotect.ts",
    "the same protection of a sealed VMA passes",
    "if ((old & VM_SEALED) != 0) return -Errno.EPERM;",
    "if ((old & VM_SEALED) != 0 && flags != old) return -Errno.EPERM;",
  ],
  ["ops/mprotect.ts", "a change reaches one VMA only", "    at = to;\n", "    at = end;\n"],
  [
    "ops/mmap.ts",
    "a new range never joins its successor",
    "const next = vma_lookup(mm, end);",
    "const next: usize = 0;",
  ],
  ["ops/mremap.ts", "untouched memory keeps its pgoff", "pgoff = at >> shift", "pgoff = pgoff"],
  [
    "ops/mremap.ts",
    "growth in place swallows nobody",
    "merge_new(mm, c, vma, vma_lookup(mm, to))",
    "merge_new(mm, c, vma, 0)",
  ],
  [
    "ops/brk.ts",
    "the grown heap joins nobody",
    "merge_new(mm, c, heap, 0)",
    "merge_new(mm, c, 0, 0)",
  ],
  [
    "ops/brk.ts",
    "the heap joins what ends where it begins",
    "vm_end(before) > load<u64>(mm, Mm.START_BRK)",
    "vm_end(before) >= load<u64>(mm, Mm.START_BRK)",
  ],
  [
    "ops/populate.ts",
    "inherited identities are reused",
    "return (word & AnonVma.FORKED) != 0 ? AnonVma.NONE : word",
    "return word",
  ],
  [
    "ops/fork.ts",
    "a child shares its parent's identity",
    "return new_anon_vma() | AnonVma.FORKED",
    "return word",
  ],
  // The index: a store that begins at the leaf of the last one.
  [
    "maple/store.ts",
    "a split leaves the shape as it was",
    "      shape_moves(tree);\n      const above = make_room(",
    "      const above = make_room(",
  ],
  [
    "maple/store.ts",
    "a join leaves the shape as it was",
    "    shape_moves(tree);\n    node_fix(path, 1);",
    "    node_fix(path, 1);",
  ],
  [
    "maple/store.ts",
    "a store over leaves leaves the shape as it was",
    "      shape_moves(tree);\n      put_rest(",
    "      put_rest(",
  ],
  [
    "maple/cursor.ts",
    "any leaf's lower bound will do",
    "<u32>(key - low) < <u32>(step_high(step) - low)",
    "key < step_high(step)",
  ],
  [
    "maple/cursor.ts",
    "any leaf's upper bound will do",
    "<u32>(key - low) < <u32>(step_high(step) - low)",
    "key >= low",
  ],
  [
    "maple/cursor.ts",
    "another region's leaf will do",
    "(load<u32>(path, Hint.ROOT) ^ <u32>root) |\n    ",
    "",
  ],
  [
    "maple/cursor.ts",
    "the shape is not asked",
    "(load<u32>(path, Hint.SHAPE) ^ load<u32>(shape_at(tree))) |\n    ",
    "",
  ],
  [
    "maple/cursor.ts",
    "the slot stays where the last store was",
    "      store<u32>(step, node_slot(step_node(step), key - step_low(step)), Step.SLOT);\n",
    "",
  ],
  ["mm/death.ts", "a dead worker's path is followed", "  cursor_forget(seat);\n", ""],
  // The index: its gaps.
  [
    "maple/gaps.ts",
    "a grown hole is recorded in the leaf's parent only",
    "    set_gap(step_node(step), step_slot(step), size);\n  }",
    "    set_gap(step_node(step), step_slot(step), size);\n    return;\n  }",
  ],
  [
    "maple/gaps.ts",
    "the region's last hole is recorded",
    "if (node_entry(node, slot) == 0) span = node_start(node, slot);",
    "",
  ],
  [
    "maple/gaps.ts",
    "a hole beside the edge is taken from above the fork",
    "below = less != 0 ? less : below",
    "below = below != 0 ? below : less",
  ],
  [
    "maple/gaps.ts",
    "a fork below the window is believed",
    "  if (low < from) return highest_in(word, 0, Region.PAGES, from, to, size);\n",
    "",
  ],
  [
    "maple/gaps.ts",
    "the region's last child is not looked into",
    " && end != Region.PAGES) break",
    ") break",
  ],
  [
    "maple/store.ts",
    "a filled hole stays recorded",
    "else if (node_gap(step_node(above), step_slot(above)) == size) gaps_rise(path, 1, depth);",
    "",
  ],
].map(([file, name, text, instead]) => ({ file, name, text, instead }));

const {
  fit: fitOnly,
  words: [wanted = ""],
} = readOptions({
  command: "npm run mutate --",
  about: "Breaks the merge and split rules and the index, one by one; some test must notice each.",
  words: ["[TEXT]", "only the mutants whose name contains this text", 0, 1],
  options: { fit: { about: "only look whether every edit still fits the sources" } },
  notes: "Exit status: 0; 1 a mutant survived; 2 bad usage, or an edit that does not fit any more.",
});
const chosen = MUTANTS.filter(({ file, name }) => `${file}: ${name}`.includes(wanted));
const home = mkdtempSync(join(tmpdir(), "vmaple-mutate-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

for (const mutant of chosen) mutate(mutant); // all edits fit, before anything costs time
if (fitOnly) {
  process.stdout.write(`${chosen.length} mutants fit\n`);
  process.exit(0);
}

const lanes = Array.from({ length: Math.min(LANES, chosen.length) }, (_, i) => lane(`lane${i}`));
for (const plan of new Set(chosen.map(planOf))) {
  const sound = await attempt(lanes[0], plan, null);
  if (sound.caught !== null) {
    stop(1, `the tests fail on the unchanged core:\n${sound.caught}`);
  }
}
const queue = [...chosen];
const survivors = [];
const width = Math.max(...chosen.map(({ file, name }) => file.length + name.length)) + 2;
await Promise.all(
  lanes.map(async (folder) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const { caught } = await attempt(folder, planOf(mutant), mutant);
      if (caught === null) survivors.push(mutant);
      const label = `${mutant.file}: ${mutant.name}`.padEnd(width);
      process.stdout.write(`${label}  ${caught ?? "SURVIVED"}\n`);
    }
  }),
);
process.stdout.write(`${chosen.length} mutants, ${survivors.length} survived\n`);
process.exitCode = survivors.length === 0 ? 0 : 1;

/** What is to be built of a mutant. */
function planOf({ file }) {
  return file.startsWith("maple/") ? INDEX : ENGINE;
}

/** The source of a mutant's file. */
function mutate({ file, name, text, instead }) {
  const source = readFileSync(join(ROOT, "assembly", file), "utf8");
  const found = source.split(text).length - 1;
  if (found !== 1) {
    stop(2, `assembly/${file}, "${name}": its text occurs ${found} times, not once:\n${text}`);
  }
  return source.replace(text, () => instead);
}

/** A copy of the project that a mutant can be built and tested in. */
function lane(name) {
  const folder = join(home, name);
  mkdirSync(join(folder, "build"), { recursive: true });
  for (const part of ["assembly", "src", "test", "fixtures"]) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  for (const part of ["asconfig.json", "package.json", "tsconfig.json", "vitest.config.ts"]) {
    cpSync(join(ROOT, part), join(folder, part));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Builds and tests one mutant (null: none): what caught it, or null. */
async function attempt(folder, plan, mutant) {
  const file = mutant === null ? null : join(folder, "assembly", mutant.file);
  if (file !== null) writeFileSync(file, mutate(mutant));
  try {
    const built = await node(folder, "assemblyscript/bin/asc.js", [
      plan.entry,
      ...["--config", "asconfig.json", "--target", "verify"],
      ...["--outFile", plan.out, "-O1"],
    ]);
    if (built.status !== 0)
      stop(2, `${mutant?.name ?? "the core"} does not compile:\n${built.output}`);
    if (plan === ENGINE) {
      const wasm = readFileSync(join(folder, plan.out)).toString("base64");
      mkdirSync(join(folder, "src/generated"), { recursive: true });
      writeFileSync(
        join(folder, "src/generated/wasm.ts"),
        `export const WASM_BASE64 =\n  "${wasm}";\n`,
      );
    }
    const report = join(folder, "build/report.json");
    rmSync(report, { force: true });
    const tested = await node(folder, "vitest/vitest.mjs", [
      ...["run", "--bail", "1", "--no-file-parallelism", "--reporter=json"],
      ...[`--outputFile=${report}`, ...plan.tests],
    ]);
    return { caught: tested.status === 0 ? null : firstFailure(report, tested.output) };
  } finally {
    if (file !== null) cpSync(join(ROOT, "assembly", mutant.file), file);
  }
}

/** The name of the first failed test. */
function firstFailure(report, output) {
  if (!existsSync(report)) return output.trim().split("\n").slice(-5).join("\n");
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  for (const { name, assertionResults, message } of testResults) {
    const failed = assertionResults.find(({ status }) => status === "failed");
    const where = name.slice(name.lastIndexOf("/") + 1);
    if (failed !== undefined) return `${where}: ${failed.title}`;
    if (message) return `${where}: ${message.split("\n")[0]}`;
  }
  return "a test run that did not end well";
}

function node(folder, script, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, "node_modules", script), ...args], {
      cwd: folder,
      env: { ...process.env, VMAPLE_SEED: "1", VMAPLE_RUNS: "60", NO_COLOR: "1" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("close", (status) => resolve({ status, output }));
  });
}

function stop(status, message) {
  process.stderr.write(`mutate: ${message}\n`);
  process.exit(status);
}

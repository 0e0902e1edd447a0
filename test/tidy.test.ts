// Style as a test: floors, file sizes, who may say `atomic.`, module-level variables.
//
// The floors are those of ARCHITECTURE.md. A breach names file and line.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;
const MAX_LINES = 500;

interface Source {
  path: string;
  lines: string[];
}

function sources(folder: string, pattern: RegExp): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => pattern.test(name) && !name.includes("generated") && !name.includes("dist"))
    .map((name) => {
      const path = `${folder}/${name}`;
      return { path, lines: readFileSync(join(ROOT, path), "utf8").split("\n") };
    });
}

function breaches(list: Source[], rule: (line: string, source: Source) => boolean): string[] {
  return list.flatMap((source) =>
    source.lines.flatMap((line, i) =>
      rule(line, source) ? [`${source.path}:${i + 1}: ${line.trim()}`] : [],
    ),
  );
}

const core = sources("assembly", /\.ts$/);
const facade = sources("src", /\.ts$/);
const code = [
  ...core,
  ...facade,
  ...sources("bench", /\.mjs$/),
  ...sources("web", /\.(tsx?|css)$/),
];

describe("core", () => {
  const FLOORS = ["shared", "base", "sync", "alloc", "maple", "mm", "ops"];
  const floorOf = (path: string): number => {
    const floor = FLOORS.indexOf(path.split("/")[1] ?? "");
    return floor < 0 ? FLOORS.length : floor; // entries stand above all
  };

  test("imports go down the floors only", () => {
    const bad = breaches(core, (line, { path }) => {
      const target = /from "(\.[^"]*)"/.exec(line)?.[1];
      if (target === undefined) return false;
      const resolved = join(path, "..", target);
      return floorOf(resolved) > floorOf(path);
    });
    expect(bad).toEqual([]);
  });

  test("imports are acyclic", () => {
    expect(cycle(core)).toBeNull();
  });

  test("only sync/atomics.ts says atomic.*", () => {
    const bad = breaches(
      core,
      (line, { path }) =>
        /\batomic\.[a-z]/.test(line.replace(/\/\/.*$/, "")) &&
        !/^\s*(\*|\/\*)/.test(line) &&
        path !== "assembly/sync/atomics.ts",
    );
    expect(bad).toEqual([]);
  });

  test("the only module-level variable is this worker's seat", () => {
    const bad = breaches(
      core,
      (line, { path }) =>
        /^(export )?let /.test(line) &&
        path !== "assembly/base/worker.ts" &&
        // The explorer's filter: a module of its own, one instance, in one thread.
        path !== "assembly/explore-filter.ts",
    );
    expect(bad).toEqual([]);
  });

  test("no managed objects: no new, no arrays, no strings but in ERROR()", () => {
    const bad = breaches(core, (line) => {
      const text = line.replace(/\/\/.*$/, "");
      if (/^\s*(\*|\/\*)/.test(text)) return false;
      return /\bnew [A-Z]|\bArray<|StaticArray/.test(text);
    });
    expect(bad).toEqual([]);
  });
});

describe("facade", () => {
  test("imports are acyclic", () => {
    expect(cycle(facade)).toBeNull();
  });

  test("the environment is asked in the platform files only", () => {
    const bad = breaches(
      facade,
      (line, { path }) =>
        /typeof (process|window|document)\b/.test(line) &&
        !/^src\/(node|browser|platform|host)\.ts$/.test(path),
    );
    expect(bad).toEqual([]);
  });
});

test(`files keep under ${MAX_LINES} lines`, () => {
  const long = code.filter((source) => source.lines.length > MAX_LINES + 1);
  expect(long.map((source) => `${source.path}: ${source.lines.length} lines`)).toEqual([]);
});

test("every file begins by telling its job", () => {
  const silent = [...core, ...facade].filter(
    (source) => !/^(\/\/|\/\*\*|#!)/.test(source.lines[0] ?? ""),
  );
  expect(silent.map((source) => source.path)).toEqual([]);
});

test("nothing is left open in the code", () => {
  expect(breaches(code, (line) => /\b(TODO|FIXME|XXX)\b/.test(line))).toEqual([]);
});

/** A cycle of value imports, as a list of files; null if there is none. */
function cycle(list: Source[]): string[] | null {
  const known = new Map(list.map((source) => [source.path, source]));
  const done = new Set<string>();
  const stack: string[] = [];
  const visit = (path: string): string[] | null => {
    if (stack.includes(path)) return [...stack.slice(stack.indexOf(path)), path];
    if (done.has(path)) return null;
    stack.push(path);
    for (const target of importsOf(known.get(path)!)) {
      const found = known.has(target) ? visit(target) : null;
      if (found) return found;
    }
    stack.pop();
    done.add(path);
    return null;
  };
  for (const { path } of list) {
    const found = visit(path);
    if (found) return found;
  }
  return null;
}

function importsOf({ path, lines }: Source): string[] {
  const statements = lines
    .join("\n")
    .matchAll(/(import|export)\s+(type\s)?[^;]*?from\s+"(\.[^"]+)"/g);
  return [...statements]
    .filter((match) => match[2] === undefined)
    .map((match) =>
      `${join(path, "..", match[3]!).replace(/\.js$/, "")}.ts`.replace(/\.ts\.ts$/, ".ts"),
    );
}

test("the mutants of scripts/mutate.mjs fit the sources", () => {
  const options = { cwd: ROOT, encoding: "utf8" as const };
  const { stdout, stderr } = spawnSync(process.execPath, ["scripts/mutate.mjs", "--fit"], options);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^[1-9]\d* mutants fit\n$/);
});

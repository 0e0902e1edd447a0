// Runs one snippet and says what it printed. The page ends it when its time is over.

import * as maps from "../../src/formats/maps.js";
import * as strace from "../../src/formats/strace.js";
import * as vmaple from "../../src/index.js";
import * as process from "../../src/process.js";
import * as why from "../../src/why.js";
import { compile, lineOf, MODULES, type ModuleName } from "./compile.js";
import { showAll } from "./show.js";

export type Report =
  | { readonly kind: "print"; readonly text: string; readonly isError: boolean }
  | { readonly kind: "done" }
  /** `line` counts from 1; null: not in the snippet. */
  | { readonly kind: "failed"; readonly line: number | null; readonly message: string };

const modules: Readonly<Record<ModuleName, object>> = {
  vmaple,
  "vmaple/maps": maps,
  "vmaple/process": process,
  "vmaple/strace": strace,
  "vmaple/why": why,
};

function report(message: Report): void {
  self.postMessage(message);
}

function required(name: string): object {
  const module = Object.hasOwn(modules, name) ? modules[name as ModuleName] : undefined;
  if (module !== undefined) return module;
  throw new TypeError(`no module "${name}" here: a snippet imports ${MODULES.join(", ")}`);
}

const print =
  (isError: boolean) =>
  (...values: unknown[]) =>
    report({ kind: "print", text: showAll(values), isError });

/** What a snippet finds in its global scope: the compiled imports call `require`. */
Object.assign(self, {
  require: required,
  exports: {},
  console: {
    ...console,
    log: print(false),
    info: print(false),
    error: print(true),
    warn: print(true),
  },
});

self.onmessage = async ({ data: source }: MessageEvent<string>) => {
  const compiled = compile(source);
  if ("error" in compiled) return report({ kind: "failed", ...compiled.error });
  const url = URL.createObjectURL(new Blob([compiled.code], { type: "text/javascript" }));
  try {
    await import(/* @vite-ignore */ url);
    report({ kind: "done" });
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    const message = error instanceof Error ? `${error.name}: ${error.message}` : showAll([error]);
    report({ kind: "failed", line: lineOf(stack, url), message });
  }
};

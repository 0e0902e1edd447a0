// The code blocks of a page of documentation, as a program and as commands.
//
//   ts, js   the blocks of a page are one program, in their order; a block whose first line
//            is `// name.ts` is a file beside it
//   sh       one command a line; `# exit status 1` after it says what it ends with
//   text     nothing to run
//
// `console.log(...); // text` says what is printed; `...` in it stands for anything.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of its first line in the page, counted from 1. */
  readonly line: number;
}

export interface Program {
  /** Names and texts; the first is the page's own. */
  readonly files: ReadonlyMap<string, string>;
  readonly typed: boolean;
}

export function blocksOf(root: string, page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1]!,
    text: match[2]!,
    line: text.slice(0, match.index).split("\n").length + 1,
  }));
}

const NAMED = /^\/\/ ([\w-]+)\.(ts|js)$/m;
const SAID = /^(\s*)console\.log\((.*)\); \/\/ (.+)$/gm;

/** Null if there is nothing to run. */
export function programOf(page: string, blocks: readonly Block[]): Program | null {
  const code = blocks.filter(({ language }) => language === "ts" || language === "js");
  if (code.length === 0) return null;
  const typed = code.some(({ language }) => language === "ts");
  const suffix = typed ? "mts" : "mjs";
  const main: string[] = [CHECK[suffix]];
  const files = new Map([[`page.${suffix}`, ""]]);
  for (const { text, line } of code) {
    const [first = ""] = text.split("\n");
    const name = NAMED.exec(first)?.[1];
    if (name !== undefined) files.set(`${name}.${suffix}`, text);
    else main.push(checked(text, `${page}:${line}`));
  }
  return { files: files.set(`page.${suffix}`, main.join("\n")), typed };
}

/** What prints is compared with what the comment says is printed. */
function checked(text: string, place: string): string {
  return text.replace(SAID, (_, indent, args, said) => {
    const words = [place, said].map((word) => JSON.stringify(word)).join(", ");
    return `${indent}prints(${words}, ${args});`;
  });
}

const BODY = `
  const got = format(...values);
  const parts = said.split("...").map((part) => part.replace(/[.*+?^$\{}()|[\\]\\\\]/g, "\\\\$&"));
  if (!new RegExp(\`^\${parts.join("[^]*")}$\`).test(got)) {
    throw new Error(\`\${place}: prints \${got}, not \${said}\`);
  }
}
`;
const CHECK = {
  mts: `import { format } from "node:util";
function prints(place: string, said: string, ...values: unknown[]): void {${BODY}`,
  mjs: `import { format } from "node:util";
function prints(place, said, ...values) {${BODY}`,
};

export interface Command {
  readonly text: string;
  readonly status: number;
}

export function commandsOf(blocks: readonly Block[]): Command[] {
  return blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.trim().split("\n"))
    .map((line) => {
      const [text = "", note = ""] = line.split(/ +# /);
      return { text, status: Number(/^exit status (\d)/.exec(note)?.[1] ?? 0) };
    });
}

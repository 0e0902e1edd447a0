// An entry of the log as text: in short form, and as strace prints it.

import type { Call, Entry } from "../app/call.js";

/** As the command line takes it. */
export function shortLine({ op, args, text }: Call): string {
  return [op, ...args.map(word), text].filter((part) => part !== "").join(" ");
}

export function straceLine({ call, outcome }: Entry): string {
  const result = typeof outcome === "string" ? `-1 ${outcome}` : word(outcome);
  return `${call.op}(${call.args.map(word).join(", ")}) = ${result}`;
}

function word(value: number | bigint): string {
  return value < 4096 ? `${value}` : `0x${value.toString(16)}`;
}

// A call with the outcome that a file or a preset tells of it, as one line and back:
//
//   mprotect 0x10001000 4K r => 0
//   mmap 4K rw fixed noreplace at 0x10000000 => EEXIST

import type { Call, Outcome } from "../app/call.js";
import type { Planned } from "../app/timeline.js";
import { readCommand } from "../command/read.js";
import { shortLine } from "./lines.js";

const LINE = /^(.*) => (0x[\da-f]+|\d+|[A-Z\d_]+)$/s;

export function plannedLine(call: Call, recorded?: Outcome): string {
  return shortLine(call) + (recorded === undefined ? "" : ` => ${outcomeWord(recorded)}`);
}

/** @throws CommandError the line is no call, or its outcome none */
export function readPlanned(line: string): Planned {
  const [, command = line, word] = LINE.exec(line) ?? [];
  const call = readCommand(command);
  return word === undefined ? { call } : { call, recorded: readOutcome(word) };
}

function outcomeWord(outcome: Outcome): string {
  return typeof outcome === "string" ? outcome : `0x${outcome.toString(16)}`;
}

function readOutcome(word: string): Outcome {
  if (!/^\d/.test(word)) return word;
  const value = BigInt.asUintN(64, BigInt(word));
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

// The log up to the cursor as files: strace, maps. (recording.ts makes recordings.)

import type { Entry } from "../app/call.js";
import { straceLine } from "./lines.js";

/**
 * As `strace -f -y` would print it. Accesses that are served make no line; after a fork that
 * goes on in the child, lines have process numbers.
 */
export function straceText(entries: readonly Entry[]): string {
  const forks = entries.some(({ call }) => call.op === "fork");
  let pid = 1;
  let text = "";
  for (const entry of entries) {
    const { call, outcome } = entry;
    if (call.op === "fault" && outcome === 0) continue;
    const who = forks ? `${pid} ` : "";
    if (call.op !== "fork") text += `${who}${straceLine(entry)}\n`;
    else if (typeof outcome === "string") text += `${who}fork() = -1 ${outcome}\n`;
    else {
      text += `${who}fork() = ${pid + 1}\n`;
      if (call.args[0] !== 0) pid++;
    }
  }
  return text;
}

// Random sequences of calls beyond the recordings' vocabulary, each answered by Linux 6.18.44:
// every answer, every map, and the counters of /proc/PID/status.
//
// fixtures/sequences.ndjson.gz was written by scripts/ask-linux.mjs; SEQUENCES=FILE plays others.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Engine } from "../../src/index.js";
import { assertSound } from "../../src/testing.js";
import { Player, type Sequence } from "../support/sequences.js";

const FILE =
  process.env.SEQUENCES ?? new URL("../../fixtures/sequences.ndjson.gz", import.meta.url);

function sequences(): Sequence[] {
  const bytes = readFileSync(FILE);
  const text = (String(FILE).endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Sequence);
}

const all = sequences();
const engine = await Engine.create();

test.each(all.map((sequence) => [sequence.seed, sequence] as const))("seed %i", (_, { steps }) => {
  using player = new Player(engine);
  const vmas: string[] = [];
  /** Counters of the process at the start: what was mapped outside the window. */
  const outside = new Map<string, number>();
  for (const [i, [call, answer, splice]] of steps.entries()) {
    const where = `step ${i}: ${call}`;
    const got = player.answer(call);
    if (call.startsWith("Vm")) {
      const difference = Number.parseInt(answer, 16) - Number.parseInt(got, 16);
      expect(difference, where).toBe(outside.get(call) ?? difference);
      outside.set(call, difference);
      continue;
    }
    expect(`${where} = ${got}`).toBe(`${where} = ${answer}`);
    if (splice !== undefined) vmas.splice(splice[0], splice[1], ...splice[2]);
    expect(player.window(), where).toEqual(vmas);
  }
  assertSound(player.mm.validate());
});

test("there are enough of them, with every call and every errno that mattered", () => {
  const calls = new Set(all.flatMap(({ steps }) => steps.map(([call]) => call.split(" ")[0])));
  const answers = new Set(all.flatMap(({ steps }) => steps.map(([, answer]) => answer)));
  if (process.env.SEQUENCES === undefined) expect(all.length).toBeGreaterThanOrEqual(100);
  for (const call of ["mmap", "mremap", "remap_file_pages", "mseal", "fork", "headroom", "mdwe"])
    expect(calls).toContain(call);
  for (const errno of [
    "EACCES",
    "EAGAIN",
    "EBADF",
    "EEXIST",
    "EFAULT",
    "EPERM",
    "EOPNOTSUPP",
    "SIGBUS",
  ])
    expect(answers).toContain(errno);
});

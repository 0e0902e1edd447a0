// The killing: a racer dies in the middle of munmap, holding the mmap lock, and is reaped.
//
//   1  all racers work in slow motion, with per-VMA locks
//   2  the page takes the read lock of one VMA; the next racer that wants to change the map
//      unmaps a range around it: it splits the outer VMAs, then waits for that reader
//   3  the others come to a stand behind it, one by one
//   4  its worker is terminated; nothing moves
//   5  Engine.reap undoes the half call, and gives the lock up: the others go on

import type { MmWithUser, ReapReport } from "../../src/index.js";
import { type Change, clock, LockState, setTrap, trapped } from "./board.js";
import { TRAP_RANGE } from "./course.js";
import { Crew, type Plan } from "./crew.js";
import { lanesOf, type Recording, sleep } from "./run.js";

/** Of each part that the reader shall see: before, stuck, dead, after. */
const PART_MS = 120;
/** Of the last part: long enough to be seen beside the seconds that a browser may take to end a worker. */
const AFTER_MS = 400;
const POLL_MS = 4;

export type KillStep = "working" | "stuck" | "killed" | "reaped";

export interface KillResult {
  readonly recording: Recording;
  /** Which racer died, and its seat. */
  readonly victim: number;
  readonly slot: number;
  /** Milliseconds, as in the recording. */
  readonly killedAt: number;
  /** When the browser said that its worker was gone. */
  readonly goneAt: number;
  readonly reapedAt: number;
  /** How many racers waited for a lock when it was reaped. */
  readonly waiting: number;
  readonly report: ReapReport;
  /** How many of them have worked on since. */
  readonly recovered: number;
  /** The map around the half call is as it was before. */
  readonly sameMap: boolean;
  /** Invariants that are broken: none. */
  readonly violations: number;
}

/** @throws the signal's reason once it is aborted; all workers are gone then */
export async function killTheOwner(
  plan: Plan,
  signal: AbortSignal,
  onStep: (step: KillStep) => void,
): Promise<KillResult> {
  await using crew = await Crew.hire(plan, true);
  const { raw } = crew.engine;
  const before = await trapLines(crew.mm);
  const from = clock();
  crew.start("slowMotion");
  onStep("working");
  await sleep(PART_MS, signal);
  const held = raw.lockVmaUnderRcu(crew.mm.asRaw(), TRAP_RANGE.reader);
  if (held === 0) throw new Error("the page could not lock the VMA in the trap");
  let died: Omit<KillResult, "recording" | "recovered" | "sameMap" | "violations">;
  try {
    died = await killInTrap(crew, signal, onStep);
  } finally {
    raw.vmaEndRead(held);
  }
  await sleep(AFTER_MS, signal);
  await crew.stop();
  const recording = { from, to: clock(), lanes: lanesOf(crew.board) };
  const recovered = recording.lanes.filter((lane) => (lane.at(-1)?.at ?? 0) > died.reapedAt).length;
  const after = await trapLines(crew.mm);
  using _guard = await crew.mm.mmapReadLockAsync();
  const violations = crew.mm.validate().length;
  return { ...died, recording, recovered, violations, sameMap: after === before };
}

async function killInTrap(crew: Crew, signal: AbortSignal, onStep: (step: KillStep) => void) {
  setTrap(crew.board);
  const victim = await whoIsStuck(crew, signal);
  onStep("stuck");
  await sleep(PART_MS, signal);
  const killedAt = clock();
  await crew.kill(victim);
  const goneAt = clock();
  onStep("killed");
  await sleep(PART_MS); // not to be cancelled: the others wait for the dead one until it is reaped
  const waiting = lanesOf(crew.board).filter((lane, n) => n !== victim && isWaiting(lane)).length;
  const reapedAt = clock();
  const report = crew.reap(victim);
  onStep("reaped");
  return { victim, slot: crew.slotOf(victim), killedAt, goneAt, reapedAt, waiting, report };
}

/** The racer that waits in the middle of its call. */
async function whoIsStuck(crew: Crew, signal: AbortSignal): Promise<number> {
  for (;;) {
    const n = trapped(crew.board);
    if (n !== null && lanesOf(crew.board)[n]?.at(-1)?.state === LockState.WAIT_VMA) return n;
    await sleep(POLL_MS, signal);
  }
}

function isWaiting(lane: readonly Change[]): boolean {
  const state = lane.at(-1)?.state;
  return state === LockState.WAIT_READ || state === LockState.WAIT_WRITE;
}

/** The lines of maps of the trap's range. */
async function trapLines(mm: MmWithUser): Promise<string> {
  using _guard = await mm.mmapReadLockAsync();
  const end = TRAP_RANGE.start + TRAP_RANGE.length;
  return mm
    .maps()
    .split("\n")
    .filter((line) => {
      const at = Number.parseInt(line, 16);
      return at >= TRAP_RANGE.start - TRAP_RANGE.length && at < end;
    })
    .join("\n");
}

// The race without its workers: what a recording of locks says.

import { expect, test } from "vitest";
import { createBoard, LockState, Recorder } from "../../web/race/board.js";
import { lanesOf } from "../../web/race/run.js";
import { sharesOf, spansOf } from "../../web/race/spans.js";

const FREE = LockState.FREE;
const HOLD_VMA = LockState.HOLD_VMA;
const WAIT_WRITE = LockState.WAIT_WRITE;
const HOLD_WRITE = LockState.HOLD_WRITE;
const DEAD = LockState.DEAD;

test("spans cover the recording without gaps, cut at its ends", () => {
  const changes = [
    { at: 5, state: HOLD_VMA },
    { at: 12, state: FREE },
    { at: 14, state: WAIT_WRITE },
    { at: 18, state: HOLD_WRITE },
    { at: 40, state: FREE },
  ];
  expect(spansOf(changes, 10, 30)).toEqual([
    { from: 10, to: 12, state: HOLD_VMA },
    { from: 12, to: 14, state: FREE },
    { from: 14, to: 18, state: WAIT_WRITE },
    { from: 18, to: 30, state: HOLD_WRITE },
  ]);
  expect(spansOf(changes, 0, 8)[0]).toEqual({ from: 0, to: 5, state: FREE });
  expect(sharesOf(spansOf(changes, 10, 30))).toEqual({ waiting: 0.2, holding: 0.7 });
});

test("the dead hold nothing, whatever they recorded last", () => {
  const changes = [{ at: 0, state: HOLD_WRITE }];
  expect(spansOf(changes, 0, 10, 4)).toEqual([
    { from: 0, to: 4, state: HOLD_WRITE },
    { from: 4, to: 10, state: DEAD },
  ]);
  expect(spansOf([], 0, 10, 4).map(({ state }) => state)).toEqual([FREE, DEAD]);
  expect(sharesOf([])).toEqual({ waiting: 0, holding: 0 });
});

test("a ring gives back what was recorded, and records no more when it is full", () => {
  const board = createBoard(2);
  const recorder = new Recorder(board.rings[1]!);
  recorder.put(HOLD_VMA);
  recorder.put(FREE);
  expect(lanesOf(board).map((lane) => lane.map(({ state }) => state))).toEqual([
    [],
    [HOLD_VMA, FREE],
  ]);
  for (let i = 0; i < 10_000; i++) recorder.put(HOLD_WRITE);
  const [, lane] = lanesOf(board);
  expect(lane!.length).toBe((board.rings[1]!.length - 1) / 2);
  expect(lane!.at(-1)!.state).toBe(HOLD_WRITE);
});

// The evaluator's view: the same work under the mmap lock only and with per-VMA locks.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { PaneProps } from "../app/slots.js";
import { Charts, type Curves } from "./charts.js";
import { FiguresTable, type Results } from "./figures.js";
import { KillCard } from "./kill-card.js";
import { Lanes, LanesLegend } from "./lanes.js";
import { MODE_NAMES } from "./modes.js";
import "./race.css";
import { MODES, race } from "./run.js";

const MAX_RACERS = 16;
const SECONDS = [1, 3, 10] as const;
/** Calls that change the map, of 1000 operations. */
const MIXES = [
  { changesPerMille: 1, words: "1 in 1000" },
  { changesPerMille: 10, words: "1 in 100" },
  { changesPerMille: 100, words: "1 in 10" },
] as const;
const NO_CURVES: Curves = { mmapLock: [], vmaLock: [] };

/** The one thing that runs on this page's workers at a time. */
export interface Job {
  readonly running: Signal<string | null>;
  run(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

export default function RacePane({ store }: PaneProps) {
  const cores = navigator.hardwareConcurrency;
  const racers = useSignal(Math.max(2, Math.min(MAX_RACERS, cores)));
  const seconds = useSignal<number>(3);
  const mix = useSignal<number>(10);
  const curves = useSignal(NO_CURVES);
  const shownSeconds = useSignal(3);
  const share = useSignal(0);
  const results = useSignal<Results | null>(null);
  const failure = useSignal("");
  const running = useSignal<string | null>(null);
  const abort = useSignal<AbortController | null>(null);
  useEffect(() => () => abort.peek()?.abort(), []); // leaving the view ends the race

  const job: Job = {
    running,
    async run(name, work) {
      const controller = new AbortController();
      abort.value = controller;
      running.value = name;
      failure.value = "";
      try {
        await work(controller.signal);
      } catch (error) {
        if (!controller.signal.aborted) failure.value = `${error}`;
      } finally {
        running.value = null;
        abort.value = null;
      }
    },
  };
  const start = () =>
    job.run("race", async (signal) => {
      curves.value = NO_CURVES;
      results.value = null;
      share.value = 0;
      shownSeconds.value = seconds.value;
      results.value = await race({
        racers: racers.value,
        changesPerMille: mix.value,
        seconds: seconds.value,
        signal,
        onProgress(progress) {
          share.value = progress.share;
          const { mmapLock, vmaLock } = progress.samples;
          curves.value = { mmapLock: mmapLock.slice(), vmaLock: vmaLock.slice() };
        },
      });
    });
  const busy = running.value !== null;
  const possible = globalThis.crossOriginIsolated;
  return (
    <div class="race">
      <section class="card race-card" aria-labelledby="race-title">
        <div class="card-head">
          <h2 id="race-title">{racers.value} workers, one address space</h2>
        </div>
        <p class="race-text">
          Each worker takes page faults all over one map, and now and then maps, unmaps or
          re-protects a range of its own: on one engine with the mmap lock only, on another one with
          a lock for each VMA. The two take turns of half a second, so that what else the machine
          does meets both alike.
        </p>
        {possible ? null : <NotPossible />}
        <form
          class="race-controls"
          onSubmit={(event) => {
            event.preventDefault();
            void start();
          }}
        >
          <label>
            Workers
            <input
              class="field number"
              type="number"
              min="1"
              max={MAX_RACERS}
              required
              disabled={busy}
              value={racers.value}
              onInput={({ currentTarget }) => {
                if (currentTarget.validity.valid) racers.value = currentTarget.valueAsNumber;
              }}
            />
          </label>
          <Choice legend="Map changes" name="mix" signal={mix} disabled={busy}>
            {MIXES.map(({ changesPerMille, words }) => [changesPerMille, words])}
          </Choice>
          <Choice legend="Seconds each" name="seconds" signal={seconds} disabled={busy}>
            {SECONDS.map((value) => [value, `${value} s`])}
          </Choice>
          {running.value === "race" ? (
            <button type="button" class="button" onClick={() => abort.value?.abort()}>
              Cancel
            </button>
          ) : (
            <button type="submit" class="button is-primary" disabled={busy || !possible}>
              Run
            </button>
          )}
          <progress
            aria-label="Progress of the race"
            value={share.value}
            style={{ visibility: running.value === "race" ? "visible" : "hidden" }}
          />
        </form>
        <Cores cores={cores} racers={racers.value} />
        <p class="race-failure" role="alert">
          {failure.value}
        </p>
        <ul class="race-legend" aria-label="Curves">
          {MODES.map((mode) => (
            <li key={mode}>
              <i class={`is-line is-${mode}`} />
              {MODE_NAMES[mode]}
            </li>
          ))}
        </ul>
        <Charts curves={curves.value} seconds={shownSeconds.value} />
      </section>
      <section class="card race-card" aria-labelledby="race-figures-title">
        <div class="card-head">
          <h2 id="race-figures-title">Figures</h2>
          <span class="muted">means over the whole run, of all workers together</span>
        </div>
        <FiguresTable results={results.value} />
        <p class="race-text muted">
          Here a lock is held for the bookkeeping alone, well under a microsecond: then a VMA lock
          costs a fault more than it saves, unless many cores wait. The longer locks are held, the
          more it saves: see below.
        </p>
      </section>
      <Timelines results={results.value} />
      <KillCard store={store} job={job} racers={racers.value} />
    </div>
  );
}

function NotPossible() {
  return (
    <p class="race-warning" role="note">
      The race needs shared memory, and this page is not cross-origin isolated: see the notice at
      the top, or serve the page with the two headers. All other views work.
    </p>
  );
}

function Cores({ cores, racers }: { readonly cores: number; readonly racers: number }) {
  return (
    <p class="race-text muted">
      The browser reports {cores} {cores === 1 ? "core" : "cores"}, and this page needs some of one.{" "}
      {racers > cores
        ? `${racers} workers take turns on them: a worker may be put to sleep while it holds a lock, and the figures say little about scaling.`
        : "Other programs, and cores that share one unit, make the figures vary from run to run."}
    </p>
  );
}

interface ChoiceProps {
  readonly legend: string;
  readonly name: string;
  readonly signal: Signal<number>;
  readonly disabled: boolean;
  readonly children: readonly (readonly [value: number, words: string])[];
}

function Choice({ legend, name, signal, disabled, children }: ChoiceProps) {
  return (
    <fieldset class="race-choice" disabled={disabled}>
      <legend>{legend}</legend>
      <div class="segmented">
        {children.map(([value, words]) => (
          <label key={value}>
            <input
              type="radio"
              name={`race-${name}`}
              checked={signal.value === value}
              onChange={() => {
                signal.value = value;
              }}
            />
            <span>{words}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Timelines({ results }: { readonly results: Results | null }) {
  return (
    <section class="card race-card" aria-labelledby="race-lanes-title">
      <div class="card-head">
        <h2 id="race-lanes-title">Who holds which lock</h2>
        <span class="muted">recorded by the workers after the race, in slow motion</span>
      </div>
      <p class="race-text">
        Here every lock is held for about a millisecond, asleep, so the picture does not depend on
        the number of cores. With the mmap lock only, one writer stops every fault; with per-VMA
        locks it stops those that hit what it changes.
      </p>
      <LanesLegend />
      {results === null ? (
        <p class="empty">Run the race first.</p>
      ) : (
        MODES.map((mode) => (
          <Lanes key={mode} title={MODE_NAMES[mode]} recording={results[mode].recording} />
        ))
      )}
    </section>
  );
}

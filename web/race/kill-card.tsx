// "Kill the lock's owner": what happens to the others when a worker dies with the mmap lock.

import { useSignal } from "@preact/signals";
import type { PaneProps } from "../app/slots.js";
import { address, count } from "../view/format.js";
import { TRAP_RANGE } from "./course.js";
import { type KillResult, type KillStep, killTheOwner } from "./kill.js";
import { Lanes } from "./lanes.js";
import type { Job } from "./pane.js";

const WORDS: Readonly<Record<KillStep, string>> = {
  working: "All workers are at work …",
  stuck: "One is in the middle of munmap, with the mmap lock; the others queue behind it …",
  killed: "Its worker is terminated. Nothing moves …",
  reaped: "Reaped: its half call is undone, its locks are given up; the others go on …",
};

export interface KillCardProps extends PaneProps {
  readonly job: Job;
  readonly racers: number;
}

export function KillCard({ job, racers }: KillCardProps) {
  const step = useSignal<KillStep | null>(null);
  const result = useSignal<KillResult | null>(null);
  const kill = () =>
    job.run("kill", async (signal) => {
      result.value = null;
      const plan = { racers: Math.max(2, racers), changesPerMille: 150 };
      try {
        result.value = await killTheOwner(plan, signal, (reached) => {
          step.value = reached;
        });
      } finally {
        step.value = null;
      }
    });
  return (
    <section class="card race-card" aria-labelledby="race-kill-title">
      <div class="card-head">
        <h2 id="race-kill-title">Kill the worker that holds the lock</h2>
        <span class="spacer" />
        <button
          type="button"
          class="button"
          disabled={job.running.value !== null || !globalThis.crossOriginIsolated}
          onClick={() => void kill()}
        >
          Kill the owner
        </button>
      </div>
      <p class="race-text">
        A worker unmaps {TRAP_RANGE.length / 4096} pages at <code>{address(TRAP_RANGE.start)}</code>
        . It has split two mappings and waits for a reader, with the mmap lock in its hands, when
        its worker is terminated. <code>engine.reap(seat)</code> then gives up what it held and
        undoes the half call.
      </p>
      <p class="race-status" role="status">
        {step.value === null ? "" : WORDS[step.value]}
      </p>
      {result.value === null ? null : <Recovery result={result.value} />}
    </section>
  );
}

function Recovery({ result }: { readonly result: KillResult }) {
  const { report, recording, victim, killedAt, reapedAt } = result;
  const length = milliseconds(recording.to - recording.from);
  const marks = [
    { at: killedAt, label: "killed" },
    { at: reapedAt, label: "reaped" },
  ];
  return (
    <div class="race-recovery">
      <Lanes
        title={`Worker ${victim} dies; the others wait, and go on once it is reaped: ${length} in all`}
        recording={recording}
        death={{ racer: victim, at: killedAt }}
        marks={marks}
      />
      <dl>
        <Fact
          term="Died"
          text={`worker ${victim}, seat ${result.slot}; ${result.waiting} others waited for a lock`}
        />
        <Fact
          term="Gone"
          text={`the browser took ${milliseconds(result.goneAt - killedAt)} to end its worker; its seat may be reaped only then`}
        />
        <Fact term="Given up" text={givenUp(result)} />
        <Fact
          term="Its munmap"
          text={
            report.undone
              ? `undone: ${result.sameMap ? "the map there is as it was before" : "but the map there differs"}`
              : "was over, or had changed nothing: nothing to undo"
          }
        />
        <Fact
          term="After"
          text={`${result.recovered} of ${recording.lanes.length - 1} others worked on; ${
            result.violations === 0
              ? "every invariant of the map holds"
              : `${result.violations} invariants are broken`
          }`}
        />
      </dl>
    </div>
  );
}

function Fact({ term, text }: { readonly term: string; readonly text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}

function milliseconds(ms: number): string {
  return `${count(ms)} ms`;
}

function givenUp({ report }: KillResult): string {
  const parts = [
    [report.mmapWrites, "mmap lock held for writing"],
    [report.mmapReads, "mmap lock held for reading"],
    [report.vmaLocks, "VMA lock"],
    [report.deadMms, "space that answers EOWNERDEAD from now on"],
  ] as const;
  const some = parts.filter(([n]) => n > 0).map(([n, words]) => `${n} ${words}`);
  return some.length === 0 ? "nothing" : some.join(", ");
}

// The store: what every view of the page shares. Read web/README.md first.
//
//   log        start, entries, cursor     changed by run, seek, load, begin only
//   moment     what the map is at the cursor, and what the last call changed
//   settled    the same for the views that cost most: of a large map one frame later
//   attention  hover, selected, window    one address or range, in every view at once
//   page       notices, task, view        what the shell shows around the views
//
// Everything is a signal: a component that reads `.value` while it renders is drawn again
// when it changes. Nothing else may be kept in two places.

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Nodes } from "./arena.js";
import type { Call, Entry } from "./call.js";
import type { Machine, Start } from "./machine.js";
import { type Changes, changesOf, NO_CHANGES, type Rows } from "./rows.js";
import { type LoadOptions, type Planned, Timeline } from "./timeline.js";

/** The space at the cursor, and the step that led there. Its rows are good until the next one. */
export interface Moment {
  /** The cursor: how many entries are made. */
  readonly index: number;
  /** The last call made; null at the start of the log. */
  readonly entry: Entry | null;
  /** The map before that call; the same as `after` at the start. */
  readonly before: Rows;
  readonly after: Rows;
  readonly changes: Changes;
  /**
   * The cursor is being dragged through a large map: what the last call changed is not worked
   * out until it rests. `before` is `after`, nothing is marked.
   */
  readonly passing: boolean;
  /** Byte addresses of the maple nodes that the call changed, made or gave up. */
  readonly changedNodes: ReadonlySet<number>;
  /** The tree now. */
  readonly nodes: Nodes;
}

/** What was read at one place of the log. */
interface Reading {
  readonly index: number;
  readonly rows: Rows;
  readonly nodes: Nodes;
}

/** A message above the views. */
export interface Notice {
  /** Replaces the notice with the same id. */
  readonly id: string;
  readonly tone: "info" | "error";
  readonly title: string;
  readonly text: string;
  /** What can be done about it: a button beside Dismiss. */
  readonly action?: { readonly words: string; readonly act: () => void };
}

/** Something that takes longer than half a second. */
export interface Task {
  readonly title: string;
  /** 0 to 1; null: unknown. */
  readonly share: number | null;
  readonly cancel: () => void;
}

/** How addresses become pixels on the bar. */
export type ScaleName = "linear" | "log" | "gaps";

/** Bytes; `[start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ViewName = "map" | "race" | "code";

/** Room for the tree of a small process at first. */
const FIRST_NODES = 64;
const NO_NODES: ReadonlySet<number> = new Set();
/** Maps with fewer rows are compared at every step of a scrub, and drawn at once. */
const PASSING_ROWS = 5000;
/** A cursor that has not moved for so long rests. */
const REST_MS = 120;

export class Store {
  readonly #timeline: Timeline;
  #resting: ReturnType<typeof setTimeout> | undefined;
  /** Ends the load that is under way; null: none is. */
  #loading: AbortController | null = null;
  readonly #version = signal(0);
  /** The frame that shows the moment, and the one that settles it, are not over. */
  #isDrawing = false;
  /** Where the cursor is to move then: what was wanted meanwhile, the last of it. */
  #next: (() => void) | null = null;
  /** The last that was read, and at which place of the log. */
  #known: Reading | null = null;

  /** The log. The array is the same one until something changes it. */
  readonly entries: ReadonlySignal<readonly Entry[]>;
  readonly cursor: ReadonlySignal<number>;
  readonly moment: ReadonlySignal<Moment>;
  readonly #moment: Signal<Moment>;
  /** For views that cost too much to be drawn in one frame with the others. */
  readonly settled: ReadonlySignal<Moment>;
  readonly #settled: Signal<Moment>;

  /** The address under the pointer, and the one that was chosen; null: none. */
  readonly hover = signal<number | null>(null);
  readonly selected = signal<number | null>(null);
  /** What the reader looks at now. */
  readonly focus = computed(() => this.hover.value ?? this.selected.value);

  /** The part of the space that the bar shows. */
  readonly window: Signal<Span>;
  readonly scale = signal<ScaleName>("gaps");

  readonly notices = signal<readonly Notice[]>([]);
  readonly task = signal<Task | null>(null);
  readonly view = signal<ViewName>("map");
  /** The tab that is open beside the map, by its id; "": the first one. */
  readonly side = signal("");
  /** The line that some view proposes for the command line; the command line takes it. */
  readonly proposal = signal<{ readonly line: string } | null>(null);

  constructor(
    readonly machine: Machine,
    start: Start,
    /** `?embed=1`: the page is part of another one. */
    readonly embedded = false,
  ) {
    this.#timeline = new Timeline(machine, start);
    this.window = signal({ start: 0, end: machine.mm.stat().taskSize });
    this.#moment = signal(this.#firstMoment());
    this.moment = this.#moment;
    this.#settled = signal(this.#moment.peek());
    this.settled = this.#settled;
    this.entries = computed(() => {
      this.#version.value;
      return this.#timeline.entries.slice();
    });
    this.cursor = computed(() => this.#moment.value.index);
  }

  /** Bytes: the end of the space. */
  get taskSize(): number {
    return this.machine.mm.stat().taskSize;
  }

  /** Where the log starts. */
  get start(): Start {
    return this.#timeline.start;
  }

  /**
   * Makes a call at the cursor; entries that were undone go.
   *
   * @throws TypeError the engine has no such call, or a log is being read; nothing has changed
   */
  run(call: Call): Entry {
    if (this.#loading !== null) throw new TypeError("a log is being read: wait, or cancel it");
    this.#next = null;
    const before = this.#read();
    const entry = this.#timeline.run({ call });
    this.#version.value++;
    this.#show(before);
    return entry;
  }

  /** Moves the cursor in passing: see {@link Moment.passing}. Ends with a seek when it rests. */
  scrub(to: number): void {
    if (this.#loading !== null || this.#waits(() => this.scrub(to))) return;
    if (this.#moment.peek().after.count < PASSING_ROWS) {
      this.seek(to);
      return;
    }
    this.#timeline.seek(to);
    const { cursor, entries } = this.#timeline;
    const entry = entries[cursor - 1] ?? null;
    this.#become({ ...this.#firstMoment(), index: cursor, passing: true, entry }, true);
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.seek(this.#timeline.cursor), REST_MS);
  }

  /**
   * Moves the cursor: undo, redo and step are all this. In a large map, which takes two frames
   * to draw, a move that comes before they are over is made after them, unless another follows.
   */
  seek(to: number): void {
    if (this.#loading !== null || this.#waits(() => this.seek(to))) return;
    const { entries, cursor } = this.#timeline;
    const target = Math.max(0, Math.min(entries.length, Math.round(to)));
    clearTimeout(this.#resting);
    if (target === cursor && !this.#moment.peek().passing) return;
    if (target === 0) {
      this.#timeline.seek(0);
      this.#become(this.#firstMoment(), true);
      return;
    }
    this.#showAt(target, true);
  }

  /** Shows place `index` of the log, above 0. */
  #showAt(index: number, isPaced = false): void {
    this.#timeline.seek(index - 1);
    const before = this.#read();
    this.#timeline.seek(index);
    this.#show(before, isPaced);
  }

  /**
   * A new log: its start and its calls, made one by one. The cursor ends behind the last.
   *
   * Until it ends the cursor cannot be moved, and no call be made.
   *
   * @throws MmError the start is no possible map; the old log stays
   * @throws TypeError the engine has no such call: those before it stay
   * @returns false if it was cancelled or another log took its place: the calls made so far stay
   */
  async load(start: Start, calls: readonly Planned[], options: LoadOptions = {}): Promise<boolean> {
    this.#loading?.abort(); // a newer log takes its place
    this.#next = null;
    const loading = new AbortController();
    this.#timeline.begin(start);
    this.#known = null;
    this.select(null);
    this.window.value = { start: 0, end: this.taskSize };
    this.#become(this.#firstMoment());
    this.#version.value++;
    this.#loading = loading;
    const signals = [loading.signal, ...(options.signal === undefined ? [] : [options.signal])];
    try {
      return await this.#timeline.load(calls, { ...options, signal: AbortSignal.any(signals) });
    } finally {
      if (this.#loading === loading) {
        this.#loading = null;
        this.#showEnd();
      }
    }
  }

  /** Shows the last entry, when the machine has run ahead of the moment. */
  #showEnd(): void {
    const { cursor } = this.#timeline;
    this.#version.value++;
    if (cursor === 0) this.#become(this.#firstMoment());
    else this.#showAt(cursor);
  }

  /** What the map would be after `call` at this moment; nothing changes. */
  foresee(call: Call): Rows {
    const saved = this.machine.save();
    this.machine.make(call);
    const rows = this.machine.rows();
    this.machine.restore(saved);
    return rows;
  }

  /** Chooses an address (bytes), whatever the pointer rests on. */
  select(address: number | null): void {
    this.hover.value = null;
    this.selected.value = address;
  }

  /** Shows a notice, or takes it away (`text` empty). */
  notify(notice: Notice): void {
    const others = this.notices.peek().filter(({ id }) => id !== notice.id);
    this.notices.value = notice.text === "" ? others : [...others, notice];
  }

  /** The map and the tree at the cursor. */
  #read(): Reading {
    const { cursor } = this.#timeline;
    const known = this.#known;
    if (known?.index === cursor) return known;
    const { machine } = this;
    const touched = known === null ? null : this.#timeline.touched(known.index, cursor);
    const rows = known === null ? machine.rows() : machine.rowsSince(known.rows, touched);
    const nodes = machine.arena.nodes(known?.nodes.address.length ?? FIRST_NODES);
    this.#known = { index: cursor, rows, nodes };
    return this.#known;
  }

  #show(before: Reading, isPaced = false): void {
    const { cursor, entries } = this.#timeline;
    const { rows, nodes } = this.#read();
    const moment = {
      passing: false,
      index: cursor,
      entry: entries[cursor - 1] ?? null,
      before: before.rows,
      after: rows,
      changes: changesOf(before.rows, rows),
      changedNodes: changedNodes(before.nodes, nodes),
      nodes,
    };
    this.#become(moment, isPaced);
  }

  /** True: `move` is made when the page has drawn what it is drawing. */
  #waits(move: () => void): boolean {
    if (this.#isDrawing) this.#next = move;
    return this.#isDrawing;
  }

  /** Rows of the moment that was are given up: whoever needs them longer copies what he needs. */
  #become(moment: Moment, isPaced = false): void {
    const old = this.#moment.peek();
    this.#moment.value = moment;
    this.#giveUp(old);
    if (isPaced) this.#pace();
    else this.#settle();
  }

  /** The costly views follow at once, or, in a large map, one frame later. */
  #pace(): void {
    const { count } = this.#moment.peek().after;
    if (count < PASSING_ROWS || typeof requestAnimationFrame !== "function") {
      this.#settle();
    } else if (!this.#isDrawing) {
      this.#isDrawing = true;
      // Behind the frame that shows the moment; then behind the one that shows it settled.
      requestAnimationFrame(() =>
        setTimeout(() => {
          this.#settle();
          requestAnimationFrame(() => this.#drawn());
        }),
      );
    }
  }

  #settle(): void {
    const old = this.#settled.peek();
    this.#settled.value = this.#moment.peek();
    this.#giveUp(old);
  }

  #drawn(): void {
    const move = this.#next;
    this.#isDrawing = false;
    this.#next = null;
    move?.();
  }

  #giveUp(old: Moment): void {
    const [moment, settled] = [this.#moment.peek(), this.#settled.peek()];
    const kept = new Set([moment.before, moment.after, settled.before, settled.after]);
    for (const rows of new Set([old.before, old.after])) {
      if (!kept.has(rows) && rows !== this.#known?.rows) this.machine.releaseRows(rows);
    }
  }

  #firstMoment(): Moment {
    const { rows, nodes } = this.#read();
    const nothing = { changes: NO_CHANGES, changedNodes: NO_NODES };
    return { passing: false, index: 0, entry: null, before: rows, after: rows, nodes, ...nothing };
  }
}

/** Addresses of the nodes that only one side has, or that differ. */
function changedNodes(before: Nodes, after: Nodes): Set<number> {
  let endA = before.count;
  let endB = after.count;
  while (endA > 0 && endB > 0 && sameNode(before, endA - 1, after, endB - 1)) {
    endA--;
    endB--;
  }
  // Both walks go the same way: where they go on side by side, what is equal is passed over.
  const old = new Map<number, number>();
  const fresh: number[] = [];
  for (let i = 0; i < endA || i < endB; i++) {
    if (i < endA && i < endB && sameNode(before, i, after, i)) continue;
    if (i < endA) old.set(before.address[i]!, before.hash[i]!);
    if (i < endB) fresh.push(i);
  }
  const changed = new Set<number>();
  for (const i of fresh) {
    const address = after.address[i]!;
    if (old.get(address) !== after.hash[i]) changed.add(address);
    old.delete(address);
  }
  for (const address of old.keys()) changed.add(address);
  return changed;
}

function sameNode(before: Nodes, a: number, after: Nodes, b: number): boolean {
  return before.address[a] === after.address[b] && before.hash[a] === after.hash[b];
}

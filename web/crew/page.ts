// The page: one engine, one address space, a crew of two, and their views.

import { Engine } from "../../src/index.js";
import { CommandLine } from "./command/view.js";
import { Crew } from "./crew.js";
import { isPace, type JobName, type Pace } from "./pace.js";
import { readSpace, type SpaceView } from "./space/access.js";
import { createSpace, type Space } from "./space/layout.js";
import { type Mapping, mappingAt } from "./space/maps.js";
import { Bar } from "./view/bar.js";
import { CounterCard } from "./view/counters.js";
import { byId, setText } from "./view/dom.js";
import { Focus } from "./view/focus.js";
import { bytes, count } from "./view/format.js";
import { Readout } from "./view/readout.js";
import { MapTable } from "./view/table.js";

const REFRESH_MS = 200;
/** For readers who want less movement. */
const CALM_REFRESH_MS = 1000;
const MAX_WORKERS = 8;
const JOBS: readonly JobName[] = ["mapper", "faulter"];

class Page {
  readonly #engine: Engine;
  readonly #space: Space;
  readonly #crew: Crew;
  readonly #cards = new Map(JOBS.map((job) => [job, new CounterCard(job)]));
  readonly #bar: Bar;
  readonly #table: MapTable;
  readonly #readout: Readout;
  readonly #focus = new Focus();
  readonly #run = byId("run", HTMLButtonElement);
  readonly #status = byId("crew-status", HTMLElement);
  #pace: Pace = "brisk";
  /** The reader's wish; the crew also rests while the page is hidden. */
  #wanted = false;
  #view: SpaceView = { text: "", mappings: [], sequence: -1 };
  #reading: Promise<void> | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(engine: Engine, space: Space, crew: Crew) {
    this.#engine = engine;
    this.#space = space;
    this.#crew = crew;
    const { taskSize } = space.mm.stat();
    const barElement = byId("bar", HTMLElement);
    this.#bar = new Bar(barElement, this.#focus, taskSize, (mappings) =>
      this.#windowName(mappings),
    );
    this.#table = new MapTable(byId("map-rows", HTMLTableSectionElement), this.#focus);
    const command = new CommandLine(space.mm, ({ address }) => void this.#showCall(address));
    this.#readout = new Readout(this.#focus, taskSize, (line) => command.propose(line));
    this.#focus.listen(() => {
      const inTable = document.activeElement?.closest("#map-rows") !== null;
      if (this.#focus.address !== null && !inTable) this.#table.reveal(this.#focus.address);
    });
    this.#listen();
  }

  async start(): Promise<void> {
    await this.#refresh();
    this.#run.disabled = false;
    await this.#setWanted(true);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const refresh = () => {
      if (this.#reading === null && document.visibilityState === "visible") void this.#refresh();
    };
    this.#timer = setInterval(refresh, calm ? CALM_REFRESH_MS : REFRESH_MS);
  }

  #listen(): void {
    this.#run.addEventListener("click", () => void this.#setWanted(!this.#wanted));
    byId("pace", HTMLElement).addEventListener("change", (event) => {
      const { value } = event.target as HTMLInputElement;
      if (isPace(value)) this.#pace = value;
      void this.#apply();
    });
    document.addEventListener("visibilitychange", () => void this.#apply());
    const copy = byId("copy", HTMLButtonElement);
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.#view.text);
      setText(copy, "Copied");
      setTimeout(() => setText(copy, "Copy as text"), 1500);
    });
  }

  async #setWanted(wanted: boolean): Promise<void> {
    this.#wanted = wanted;
    setText(this.#run, wanted ? "Stop" : "Run");
    this.#run.classList.toggle("is-running", wanted);
    await this.#apply();
  }

  /** Makes the crew do what is wanted, and says so. */
  async #apply(): Promise<void> {
    if (this.#wanted && document.visibilityState === "visible") {
      setText(this.#status, this.#crew.parallel ? "Running in two workers." : "Running by turns.");
      await this.#crew.run(this.#pace);
      return;
    }
    await this.#crew.stop();
    await this.#refresh();
    if (this.#crew.running) return; // it was started again meanwhile
    if (!this.#wanted) setText(this.#status, await this.#checked());
  }

  /** Checks every invariant of the space that the crew left behind. */
  async #checked(): Promise<string> {
    const { mm } = this.#space;
    using _guard = await mm.mmapReadLockAsync();
    const violations = mm.validate();
    if (violations.length === 0) return "Stopped. Checked: every invariant of the map holds.";
    return `Stopped. Checked: ${violations.length} invariants are broken: ${JSON.stringify(violations[0])}`;
  }

  /** Shows a state of the engine that is not older than this call. */
  async #refresh(): Promise<void> {
    await this.#reading;
    this.#reading = Promise.all([this.#refreshCounters(), this.#refreshMap()]).then(() => {});
    try {
      await this.#reading;
    } catch (error) {
      clearInterval(this.#timer); // whatever it is, it would fail again
      throw error;
    } finally {
      this.#reading = null;
    }
  }

  async #refreshCounters(): Promise<void> {
    const tallies = await Promise.all(JOBS.map((job) => this.#crew.tallyOf(job)));
    const { workers } = this.#engine.stats();
    const now = performance.now();
    JOBS.forEach((job, i) => {
      const slot = this.#crew.slotOf(job);
      const counters = workers.find((worker) => worker.slot === slot);
      const tally = tallies[i];
      if (counters === undefined || tally === undefined) return;
      this.#cards.get(job)?.show({ slot, tally, counters }, now);
    });
  }

  async #refreshMap(): Promise<void> {
    const { mm } = this.#space;
    if (mm.stat().sequence === this.#view.sequence) return;
    this.#view = await readSpace(mm);
    const { mappings } = this.#view;
    this.#bar.show(mappings);
    this.#table.show(mappings);
    this.#readout.show(mappings);
    const mapped = mappings.reduce((sum, { start, end }) => sum + end - start, 0);
    setText(byId("map-count", HTMLElement), count(mappings.length));
    setText(byId("map-bytes", HTMLElement), bytes(mapped));
  }

  /** Shows on the map what a command was about. */
  async #showCall(address: number): Promise<void> {
    await this.#refresh();
    const mapping = mappingAt(this.#view.mappings, address);
    this.#focus.select(mapping === null ? address : mapping.start);
  }

  #windowName(mappings: readonly Mapping[]): string | null {
    const { start } = this.#space.window;
    const first = mappings[0];
    const last = mappings.at(-1);
    const inside =
      first !== undefined && last !== undefined && first.start < start && start < last.end;
    return inside ? "mapper’s window" : null;
  }
}

async function boot(): Promise<void> {
  const parallel = globalThis.crossOriginIsolated;
  byId("not-isolated", HTMLElement).hidden = parallel;
  const engine = await Engine.create({ shared: parallel, maxWorkers: MAX_WORKERS });
  const space = createSpace(engine);
  const { mm, window, quiet } = space;
  const crew = await Crew.hire(engine, mm, { window, quiet }, parallel);
  // For the reader's console.
  Object.assign(globalThis, { vmaple: { engine, mm } });
  await new Page(engine, space, crew).start();
  document.documentElement.dataset["ready"] = "";
}

/** Nothing fails in silence: a dead worker, a missing browser feature. */
addEventListener("unhandledrejection", ({ reason }) => {
  byId("failed", HTMLElement).hidden = false;
  setText(byId("failed-text", HTMLElement), reason instanceof Error ? reason.message : `${reason}`);
});

void boot();

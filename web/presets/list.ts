// Every log to start from, with a title and a sentence.

import { readTrace } from "../../src/formats/trace.js";
import type { Start } from "../app/machine.js";
import type { Planned } from "../app/timeline.js";
import { logsOfTrace } from "../files/import.js";
import { gunzip } from "../files/unpack.js";
import { readPlanned } from "../log/planned.js";
import { MPROTECT_THE_MIDDLE, SMALL_PROCESS } from "./first.js";
import { REPORTS } from "./reports.js";
import { CROWDED, crowdedStart, manyCalls } from "./scale.js";

export interface Preset {
  readonly id: string;
  readonly group: "First steps" | "Real programs" | "Bug reports" | "Large";
  readonly title: string;
  readonly sentence: string;
  /** The address of the report; null without one. */
  readonly link: string | null;
  /** Where the cursor stands at first. */
  readonly cursor: number;
  readonly load: () => Promise<{ readonly start: Start; readonly planned: readonly Planned[] }>;
}

/** Reads a file beside this one, or of the fixtures. */
export type Fetch = (url: URL) => Promise<Uint8Array>;

async function fetched(url: URL): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok)
    throw new TypeError(`${url.pathname}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param read how a trace is read; in a browser, fetched */
export function presets(read: Fetch = fetched): readonly Preset[] {
  return [
    {
      id: "middle",
      group: "First steps",
      title: "mprotect the middle",
      sentence: "One mapping is split in three, made whole again, and cut by munmap.",
      link: null,
      cursor: 1,
      load: async () => ({ start: SMALL_PROCESS, planned: MPROTECT_THE_MIDDLE }),
    },
    {
      id: "identity",
      group: "First steps",
      title: "Why a merge fails: anon_vma",
      sentence: "Two pages written to while apart have two identities and never merge again.",
      link: null,
      cursor: 0,
      load: async () => ({
        start: SMALL_PROCESS,
        planned: [
          "mmap 1p rw fixed at 0x7ffff0000000 => 0x7ffff0000000",
          "fault 0x7ffff0000000 write => 0",
          "mmap 1p rw fixed at 0x7ffff0002000 => 0x7ffff0002000",
          "fault 0x7ffff0002000 write => 0",
          "mmap 1p rw fixed at 0x7ffff0001000 => 0x7ffff0001000",
        ].map(readPlanned),
      }),
    },
    {
      id: "fork",
      group: "First steps",
      title: "fork, and what the child does not get",
      sentence: "dontfork stays behind, wipeonfork loses its pages, locks are not inherited.",
      link: null,
      cursor: 0,
      load: async () => ({
        start: SMALL_PROCESS,
        planned: [
          "mmap 4p rw fixed at 0x7ffff0000000 => 0x7ffff0000000",
          "madvise 0x7ffff0000000 1p dontfork => 0",
          "madvise 0x7ffff0001000 1p wipeonfork => 0",
          "mlock 0x7ffff0002000 1p => 0",
          "fork => 0",
        ].map(readPlanned),
      }),
    },
    traced(read, {
      id: "python",
      title: "Python starts",
      sentence: "1,258 calls of python3 importing its standard library, as Linux answered them.",
      url: new URL("../../fixtures/traces/python-stdlib.ndjson.gz", import.meta.url),
    }),
    traced(read, {
      id: "node",
      title: "Node.js starts",
      sentence: "node -e 0: a V8 heap, threads with guarded stacks, two hundred calls.",
      url: new URL("./traces/node-start.ndjson.gz", import.meta.url),
    }),
    traced(read, {
      id: "gcc",
      title: "gcc compiles",
      sentence: "The assembler behind gcc -O2 -c: a heap that grows by brk, page by page.",
      url: new URL("./traces/gcc.ndjson.gz", import.meta.url),
    }),
    ...REPORTS.map(
      ({ id, report, title, sentence, options = {}, lines }): Preset => ({
        id,
        group: "Bug reports",
        title,
        sentence,
        link: `https://github.com/${report.replace("#", "/issues/")}`,
        cursor: 0,
        load: async () => ({ start: { options, vmas: [] }, planned: lines.map(readPlanned) }),
      }),
    ),
    {
      id: "crowded",
      group: "Large",
      title: "65,530 VMAs",
      sentence: "As many as vm.max_map_count allows, and what happens to the next one.",
      link: null,
      cursor: 0,
      load: async () => ({ start: crowdedStart(), planned: CROWDED }),
    },
    {
      id: "calls",
      group: "Large",
      title: "100,000 calls",
      sentence: "A log to scrub through: maps, cuts and changes in a window of 16 MiB.",
      link: null,
      cursor: 0,
      load: async () => ({ start: SMALL_PROCESS, planned: manyCalls() }),
    },
  ];
}

interface Traced {
  readonly id: string;
  readonly title: string;
  readonly sentence: string;
  readonly url: URL;
}

function traced(read: Fetch, { id, title, sentence, url }: Traced): Preset {
  const load = async () => {
    const rows = readTrace(await gunzip(await read(url)), title).rows;
    const [log] = logsOfTrace([...rows]);
    if (log === undefined) throw new TypeError(`${title}: the trace has no process`);
    return log;
  };
  return { id, group: "Real programs", title, sentence, link: null, cursor: 0, load };
}

// The file that is open: what it holds, and the second one that it is compared with.

import { signal } from "@preact/signals";
import type { Store } from "../app/store.js";
import { FileError, openFile } from "./client.js";
import { type ImportedLog, startOfMaps } from "./import.js";
import type { FileContents } from "./reading.js";

export const opened = signal<FileContents | null>(null);
/** Maps that the open one is compared with. */
export const compared = signal<FileContents | null>(null);
/** Which log of the file the page shows. */
export const shownLog = signal(0);

const NOTICE = "file";
/** A task that is over sooner is not shown. */
const PATIENCE_MS = 300;
const SHOWN_PROBLEMS = 1;

/** Reads files that were dropped or chosen: one is shown; of two maps the second is compared. */
export async function openFiles(store: Store, files: readonly File[]): Promise<void> {
  const [first, second] = files;
  if (first === undefined) return;
  const contents = await readWithProgress(store, first);
  if (contents === null) return;
  opened.value = contents;
  compared.value = null;
  store.side.value = "file";
  await showLog(store, 0);
  if (second !== undefined) await compareWith(store, second);
}

export async function compareWith(store: Store, file: File): Promise<void> {
  const contents = await readWithProgress(store, file);
  if (contents === null) return;
  if (contents.entries.length > 0) {
    compared.value = contents;
    store.side.value = "file";
  } else
    tell(store, `${file.name}:1: expected maps or smaps to compare with, got ${contents.kind}`);
}

/** Puts a log of the open file on the page. */
export async function showLog(store: Store, index: number): Promise<void> {
  const contents = opened.peek();
  if (contents === null) return;
  const log: ImportedLog = contents.logs[index] ?? {
    title: contents.name,
    start: startOfMaps(contents.entries),
    planned: [],
  };
  shownLog.value = index;
  await withTask(store, `Making the calls of ${contents.name}`, async (signal, onProgress) => {
    try {
      await store.load(log.start, log.planned, { signal, onProgress });
    } catch (error) {
      tell(store, `${contents.name}: ${error instanceof Error ? error.message : error}`);
    }
  });
}

async function readWithProgress(store: Store, file: File): Promise<FileContents | null> {
  tell(store, "");
  const contents = await withTask(store, `Reading ${file.name}`, async (signal, onProgress) => {
    try {
      return await openFile(file, { signal, onProgress });
    } catch (error) {
      if (error instanceof FileError) tell(store, error.message);
      else if (!(error instanceof DOMException)) throw error;
      return null; // cancelled, or told
    }
  });
  const problems = contents?.problems ?? [];
  if (problems.length > 0) {
    const shown = problems
      .slice(0, SHOWN_PROBLEMS)
      .map(({ line, text }) => `${file.name}:${line}: ${text}`);
    const rest = problems.length - shown.length;
    const more = rest === 0 ? "" : ` (and ${rest} more)`;
    tell(store, `${shown.join("; ")}${more}. Everything else was read.`);
  }
  return contents;
}

/** Shows the progress of what takes longer than a moment, with a way to cancel it. */
async function withTask<Result>(
  store: Store,
  title: string,
  work: (signal: AbortSignal, onProgress: (share: number) => void) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  const begun = performance.now();
  const cancel = () => abort.abort();
  let share: number | null = null;
  const show = () => {
    store.task.value = { title, share, cancel };
  };
  const timer = setTimeout(show, PATIENCE_MS);
  try {
    return await work(abort.signal, (done) => {
      share = done;
      if (performance.now() - begun > PATIENCE_MS) show();
    });
  } finally {
    clearTimeout(timer);
    store.task.value = null;
  }
}

function tell(store: Store, text: string): void {
  store.notify({ id: NOTICE, tone: "error", title: "File:", text });
}

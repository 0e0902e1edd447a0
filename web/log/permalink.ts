// The page's address keeps the log: read at the start, written while the page is used.

import { effect } from "@preact/signals";
import type { Store } from "../app/store.js";
import { linkOf, readLink } from "./link.js";

const NOTICE = "link";
/** Between a change and the address; many changes are one. */
const WRITE_MS = 400;
/** A longer log, or a larger start, has no link that fits: not even tried. */
const MOST_ENTRIES = 3000;
const MOST_VMAS = 1500;

/** Reads the fragment, then keeps it up to date. */
export async function startPermalinks(store: Store): Promise<void> {
  let written = "";
  const read = async () => {
    if (location.hash === written) return;
    await openLink(store, location.hash);
  };
  await read();
  addEventListener("hashchange", () => void read());
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isFirst = true;
  effect(() => {
    const entries = store.entries.value;
    const cursor = store.cursor.value;
    if (isFirst) {
      isFirst = false; // the page as it came needs no address
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const isLarge = entries.length > MOST_ENTRIES || store.start.vmas.length > MOST_VMAS;
      const fragment = isLarge ? null : await fragmentOf(store, cursor);
      written = fragment ?? "";
      history.replaceState(null, "", fragment ?? location.pathname + location.search);
    }, WRITE_MS);
  });
}

async function fragmentOf(store: Store, cursor: number): Promise<string | null> {
  try {
    return await linkOf(store.start, store.entries.peek(), cursor);
  } catch (error) {
    if (error instanceof RangeError) return null; // too long: the share dialog says so
    throw error;
  }
}

/** Shows the log of a link, as much of it as is understood. */
export async function openLink(store: Store, fragment: string): Promise<void> {
  const log = await readLink(fragment);
  if (log === null) return;
  const { start, planned, cursor, problem } = log;
  let text = problem ?? "";
  if (problem === null || planned.length > 0) {
    try {
      await store.load(start, planned);
      store.seek(cursor);
    } catch (error) {
      text = `The link is broken: its start is no possible map (${error instanceof Error ? error.message : error}).`;
    }
  }
  store.notify({ id: NOTICE, tone: "error", title: "Link:", text });
}

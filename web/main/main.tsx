// The page starts here: one machine, one store, one shell.

import { render } from "preact";
import { Machine } from "../app/machine.js";
import { Shell } from "../app/shell.js";
import { Store } from "../app/store.js";
import { MPROTECT_THE_MIDDLE, SMALL_PROCESS } from "../presets/first.js";
import { PANES } from "./panes.js";

async function boot(): Promise<void> {
  const root = document.getElementById("app");
  if (root === null) throw new TypeError("no #app in the page");
  const embedded = new URLSearchParams(location.search).has("embed");
  if (embedded) document.documentElement.dataset["embedded"] = "";
  const store = new Store(await Machine.create(), SMALL_PROCESS, embedded);
  await store.load(SMALL_PROCESS, MPROTECT_THE_MIDDLE);
  store.seek(1);
  render(<Shell store={store} panes={PANES} />, root);
  // For the reader's console, and for tests.
  Object.assign(globalThis, { vmaple: { store } });
  document.documentElement.dataset["ready"] = "";
  for (const start of PANES.starts) await start(store);
}

void boot();

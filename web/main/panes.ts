// Which pane stands in which slot: the one list that joins the folders of the page.
//
// A pane is a preact component that takes the store. Heavy ones are loaded when first shown.

import { lazyPane } from "../app/lazy.js";
import type { Panes } from "../app/slots.js";

export const PANES: Panes = {
  actions: [],
  notices: [],
  side: [],
  console: null,
  views: [{ name: "race", title: "Race", pane: lazyPane(() => import("../race/pane.js")) }],
  overlays: [],
  starts: [],
};

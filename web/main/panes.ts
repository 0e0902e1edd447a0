// Which pane stands in which slot: the one list that joins the folders of the page.
//
// A pane is a preact component that takes the store. Heavy ones are loaded when first shown.

import { lazyPane } from "../app/lazy.js";
import type { Panes } from "../app/slots.js";
import { Console } from "../command/console.js";
import { DropTarget, OpenButton } from "../files/open.js";
import { FilePane } from "../files/pane.js";
import { LogPane } from "../log/pane.js";
import { startPermalinks } from "../log/permalink.js";
import { ShareButton } from "../log/share.js";
import { openWantedView } from "../offline/embed.js";
import { isolate } from "../offline/isolate.js";
import { Predict } from "../predict/predict.js";
import { PresetsButton } from "../presets/menu.js";
import { WhyPane } from "../why/pane.js";

export const PANES: Panes = {
  actions: [PresetsButton, OpenButton, ShareButton],
  notices: [],
  side: [
    { id: "log", title: "Log", pane: LogPane },
    { id: "why", title: "Why", pane: WhyPane },
    { id: "predict", title: "Predict", pane: Predict },
    { id: "file", title: "File", pane: FilePane },
  ],
  console: Console,
  views: [
    { name: "race", title: "Race", pane: lazyPane(() => import("../race/pane.js")) },
    { name: "code", title: "Code", pane: lazyPane(() => import("../snippet/pane.js")) },
  ],
  overlays: [DropTarget],
  starts: [openWantedView, startPermalinks, isolate],
};

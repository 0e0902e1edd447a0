// The slots of the shell: where panes of other folders mount. See web/README.md.

import type { ComponentType } from "preact";
import type { Store, ViewName } from "./store.js";

export interface PaneProps {
  readonly store: Store;
}

export type Pane = ComponentType<PaneProps>;

export interface SidePane {
  readonly id: string;
  /** On its tab. */
  readonly title: string;
  readonly pane: Pane;
}

export interface ViewPane {
  readonly name: Exclude<ViewName, "map">;
  readonly title: string;
  readonly pane: Pane;
}

export interface Panes {
  /** Buttons and menus in the header, from left to right. */
  readonly actions: readonly Pane[];
  /** Above the views: banners, progress. Each takes no room while it has nothing to say. */
  readonly notices: readonly Pane[];
  /** Tabs beside the map: the log, why, predict. The first one is open. */
  readonly side: readonly SidePane[];
  /** Below the tabs, always there: the command line. */
  readonly console: Pane | null;
  /** Whole views beside "map". */
  readonly views: readonly ViewPane[];
  /** Dialogs, drop targets: mounted once, at the end of the body. */
  readonly overlays: readonly Pane[];
  /** Run once after the first picture: permalinks, service worker. */
  readonly starts: readonly ((store: Store) => void | Promise<void>)[];
}

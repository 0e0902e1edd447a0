// The shell: header, notices, the map view with its side tabs, other views, overlays.

import { Bar } from "../view/bar/bar.js";
import { MoonIcon, SunIcon } from "../view/icons.js";
import { Steps } from "../view/steps/steps.js";
import { Table } from "../view/table/table.js";
import { Tree } from "../view/tree/tree.js";
import { Notices } from "./notices.js";
import { Shortcuts } from "./shortcuts.js";
import { Side } from "./side.js";
import type { PaneProps, Panes } from "./slots.js";
import type { ViewName } from "./store.js";
import { theme, toggleTheme } from "./theme.js";

export interface ShellProps extends PaneProps {
  readonly panes: Panes;
}

export function Shell({ store, panes }: ShellProps) {
  const Other = panes.views.find(({ name }) => name === store.view.value)?.pane;
  return (
    <>
      <Header store={store} panes={panes} />
      <div class="notices">
        {panes.notices.map((Notice, i) => (
          <Notice key={i} store={store} />
        ))}
        <Notices store={store} />
      </div>
      <main>
        {Other === undefined ? <MapView store={store} panes={panes} /> : <Other store={store} />}
      </main>
      {panes.overlays.map((Overlay, i) => (
        <Overlay key={i} store={store} />
      ))}
    </>
  );
}

function Header({ store, panes }: ShellProps) {
  const views: { name: ViewName; title: string }[] = [
    { name: "map", title: "Map" },
    ...panes.views,
  ];
  return (
    <header class="masthead">
      <h1 class="brand">
        <Mark />
        vmaple
      </h1>
      <nav class="views" aria-label="Views">
        {views.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            aria-current={store.view.value === name ? "page" : undefined}
            onClick={() => {
              store.view.value = name;
            }}
          >
            {title}
          </button>
        ))}
      </nav>
      <div class="actions">
        {store.embedded ? (
          <a class="button is-quiet" href={unembedded()} target="_blank" rel="noreferrer">
            Open the whole page
          </a>
        ) : (
          panes.actions.map((Action, i) => <Action key={i} store={store} />)
        )}
        <ThemeButton />
        <Shortcuts store={store} />
      </div>
    </header>
  );
}

function MapView({ store, panes }: ShellProps) {
  const hasSide = !store.embedded;
  return (
    <div class={hasSide ? "workbench has-side" : "workbench"}>
      <div class="stage">
        <Steps store={store} />
        <Bar store={store} />
        <Table store={store} />
        <Tree store={store} />
      </div>
      {hasSide ? <Side store={store} panes={panes} /> : null}
    </div>
  );
}

/** This page with all its parts, at the same place of the same log. */
function unembedded(): string {
  const url = new URL(location.href);
  url.searchParams.delete("embed");
  return url.href;
}

function ThemeButton() {
  const other = theme.value === "dark" ? "Light theme" : "Dark theme";
  return (
    <button type="button" class="button is-icon is-quiet" title={other} onClick={toggleTheme}>
      {theme.value === "dark" ? <SunIcon /> : <MoonIcon />}
      <span class="visually-hidden">{other}</span>
    </button>
  );
}

/** Three mappings of an address space. */
function Mark() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <rect x="1" y="4" width="6" height="12" rx="1.5" fill="var(--kind-read)" />
      <rect x="8.5" y="4" width="3" height="12" rx="1.5" fill="var(--kind-write)" />
      <rect x="13" y="4" width="6" height="12" rx="1.5" fill="var(--kind-exec)" />
    </svg>
  );
}

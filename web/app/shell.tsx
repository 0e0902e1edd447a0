// The shell: header, notices, the map view with its side tabs, other views, overlays.

import { useSignal } from "@preact/signals";
import { Bar } from "../view/bar.js";
import { Steps } from "../view/steps.js";
import { Table } from "../view/table.js";
import type { PaneProps, Panes } from "./slots.js";
import type { ViewName } from "./store.js";

interface ShellProps extends PaneProps {
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
      <h1>vmaple</h1>
      <nav aria-label="Views">
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
        {panes.actions.map((Action, i) => (
          <Action key={i} store={store} />
        ))}
      </div>
    </header>
  );
}

function MapView({ store, panes }: ShellProps) {
  const open = useSignal(panes.side[0]?.id ?? "");
  const Side = panes.side.find(({ id }) => id === open.value)?.pane;
  return (
    <div class="workbench">
      <div class="stage">
        <Steps store={store} />
        <Bar store={store} />
        <Table store={store} />
      </div>
      <aside class="side" aria-label="Log and explanations">
        <div role="tablist">
          {panes.side.map(({ id, title }) => (
            <button
              key={id}
              type="button"
              role="tab"
              aria-selected={open.value === id}
              onClick={() => {
                open.value = id;
              }}
            >
              {title}
            </button>
          ))}
        </div>
        {Side === undefined ? null : <Side store={store} />}
      </aside>
    </div>
  );
}

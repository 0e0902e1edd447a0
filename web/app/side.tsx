// Beside the map: tabs of explanations, and the console, which is always there.

import { useRef } from "preact/hooks";
import type { ShellProps } from "./shell.js";
import type { SidePane } from "./slots.js";

export function Side({ store, panes }: ShellProps) {
  const chosen = store.side;
  const list = useRef<HTMLDivElement>(null);
  const open = panes.side.find(({ id }) => id === chosen.value) ?? panes.side[0];
  const Console = panes.console;
  if (open === undefined && Console === null) return null;
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextTab(panes.side, open?.id ?? "", event.key);
    if (next === null) return;
    event.preventDefault();
    chosen.value = next;
    list.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <aside class="side card" aria-label="Log and explanations">
      {open === undefined ? null : (
        <>
          <div ref={list} class="tabs" role="tablist" onKeyDown={onKeyDown}>
            {panes.side.map(({ id, title }) => (
              <button
                key={id}
                id={`tab-${id}`}
                type="button"
                role="tab"
                aria-selected={open.id === id}
                aria-controls="side-panel"
                tabIndex={open.id === id ? 0 : -1}
                onClick={() => {
                  chosen.value = id;
                }}
              >
                {title}
              </button>
            ))}
          </div>
          <div
            id="side-panel"
            class="side-panel"
            role="tabpanel"
            aria-labelledby={`tab-${open.id}`}
          >
            <open.pane store={store} />
          </div>
        </>
      )}
      {Console === null ? null : (
        <div class="side-console">
          <Console store={store} />
        </div>
      )}
    </aside>
  );
}

/** The tab that a key leads to; null: none. */
function nextTab(tabs: readonly SidePane[], from: string, key: string): string | null {
  const at = tabs.findIndex(({ id }) => id === from);
  const steps: Record<string, number> = {
    ArrowRight: (at + 1) % tabs.length,
    ArrowLeft: (at + tabs.length - 1) % tabs.length,
    Home: 0,
    End: tabs.length - 1,
  };
  const next = steps[key];
  return next === undefined ? null : tabs[next]!.id;
}

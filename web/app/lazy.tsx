// A pane whose code is fetched when it is first shown.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Pane, PaneProps } from "./slots.js";

export function lazyPane(load: () => Promise<{ default: Pane }>): Pane {
  const loaded = signal<Pane | null>(null);
  return function LazyPane(props: PaneProps) {
    useEffect(() => {
      if (loaded.value === null) void load().then((module) => (loaded.value = module.default));
    }, []);
    const Loaded = loaded.value;
    return Loaded === null ? <p class="empty">Loading …</p> : <Loaded {...props} />;
  };
}

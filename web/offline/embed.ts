// What the address of the page asks for, for pages that embed it: `?view=race`, `?view=code`.

import type { Store, ViewName } from "../app/store.js";

const VIEWS: readonly ViewName[] = ["map", "race", "code"];

/** Opens the view that the query names; another word is ignored. */
export function openWantedView(store: Store): void {
  const word = new URLSearchParams(location.search).get("view");
  const wanted = VIEWS.find((name) => name === word);
  if (wanted !== undefined) store.view.value = wanted;
}

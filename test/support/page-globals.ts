// What the playground leaves in its page for tests: see web/main/main.tsx.

import type { Store } from "../../web/app/store.js";

/** `(globalThis as unknown as Playground).vmaple` in a function that runs in the page. */
export interface Playground {
  readonly vmaple: { readonly store: Store };
}

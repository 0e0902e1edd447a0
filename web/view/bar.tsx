// The bar: the address space from low to high.

import type { PaneProps } from "../app/slots.js";

export function Bar({ store }: PaneProps) {
  const { after } = store.moment.value;
  return <p>{after.count} mappings</p>;
}

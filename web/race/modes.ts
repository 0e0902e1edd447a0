// The two legs of a race as the page names and draws them.

import type { Mode } from "./run.js";

export const MODE_NAMES: Readonly<Record<Mode, string>> = {
  mmapLock: "mmap lock only",
  vmaLock: "per-VMA locks",
};

/** Colour tokens. */
export const MODE_COLOURS: Readonly<Record<Mode, string>> = {
  mmapLock: "--warn",
  vmaLock: "--accent",
};

/** A colour token as a canvas takes it: light-dark() is resolved. */
export function resolved(element: Element, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  element.after(probe); // where the same theme holds
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

// Lists of which only the lines in sight are in the document: the table and the log.
//
// Where a list is to be scrolled is known before its lines are drawn, so they are drawn once,
// there; the frame itself is moved after everything else has been drawn, for moving it makes
// the browser lay the page out.

import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

export interface LinesOptions {
  /** Pixels of one line. */
  readonly linePx: number;
  /** Pixels at the top of the frame that a head keeps for itself. */
  readonly headPx?: number;
  /** Lines that are drawn above and below those in sight. */
  readonly overscan: number;
}

export interface Lines<Frame extends HTMLElement> {
  /** The element that scrolls. */
  readonly frame: RefObject<Frame>;
  /** Pixels that the frame shows. */
  readonly height: Signal<number>;
  readonly onScroll: () => void;
  /** Scrolls as little as brings line `place` into sight. */
  readonly reveal: (place: number) => void;
  /** The lines to draw, of `count`; reads signals. */
  readonly range: (count: number) => { readonly first: number; readonly last: number };
}

export function useLines<Frame extends HTMLElement>(options: LinesOptions): Lines<Frame> {
  const { linePx, headPx = 0, overscan } = options;
  const frame = useRef<Frame>(null);
  const scrollTop = useSignal(0);
  const height = useSignal(600);
  /** Where the frame stands, or is on its way to. */
  const stands = useRef(0);

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      height.value = frame.current?.clientHeight ?? 0;
    });
    if (frame.current !== null) observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (stands.current === scrollTop.value) return;
    stands.current = scrollTop.value;
    queueMicrotask(() => {
      if (frame.current === null) return;
      frame.current.scrollTop = scrollTop.peek();
      scrollTop.value = stands.current = frame.current.scrollTop; // it may not reach so far
    });
  });

  return {
    frame,
    height,
    onScroll() {
      scrollTop.value = stands.current = frame.current?.scrollTop ?? 0;
    },
    reveal(place) {
      const top = place * linePx;
      const sight = height.peek() - headPx;
      if (top < scrollTop.peek()) scrollTop.value = top;
      else if (top + linePx > scrollTop.peek() + sight) scrollTop.value = top + linePx - sight;
    },
    range(count) {
      const first = Math.max(0, Math.floor(scrollTop.value / linePx) - overscan);
      const last = Math.ceil((scrollTop.value + height.value) / linePx) + overscan;
      return { first: Math.min(first, count), last: Math.min(count, last) };
    },
  };
}

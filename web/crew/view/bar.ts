// The bar: the whole address space from left to right, one rectangle a mapping.
//
// Patterns come from CSS custom properties, so both themes share one drawing. The bar is
// one stop of the Tab key; the arrow keys walk from mapping to mapping.

import { type Mapping, mappingAt } from "../space/maps.js";
import { KeyedChildren, setAttributes, setText, svg } from "./dom.js";
import type { Focus } from "./focus.js";
import { address, baseName, bytes } from "./format.js";
import { KINDS, kindOf } from "./kinds.js";
import { type Cluster, type Piece, type Scale, scaleOf } from "./scale.js";

const TOP = 18;
const HEIGHT = 64;
const NAME_Y = TOP + HEIGHT + 16;
const ADDRESS_Y = NAME_Y + 14;
const TOTAL_HEIGHT = ADDRESS_Y + 6;
/** Advance of the labels' monospaced font. */
const ADDRESS_PX = 6.7;

export class Bar {
  readonly #box: HTMLElement;
  readonly #focus: Focus;
  readonly #end: number;
  readonly #labelOf: (mappings: readonly Mapping[]) => string | null;
  readonly #rects: KeyedChildren<SVGRectElement>;
  readonly #breaks: KeyedChildren<SVGGElement>;
  readonly #labels: KeyedChildren<SVGGElement>;
  readonly #marker = svg("rect", { class: "bar-marker", y: TOP - 3, height: HEIGHT + 6, rx: 3 });
  readonly #pen = document.createElement("canvas").getContext("2d");
  #font = "";
  #mappings: readonly Mapping[] = [];
  #scale: Scale = { pieces: [], breaks: [], clusters: [] };
  #width = 0;

  /**
   * @param end of the address space, bytes
   * @param labelOf a name for a cluster that its mappings do not tell
   */
  constructor(
    element: HTMLElement,
    focus: Focus,
    end: number,
    labelOf: (mappings: readonly Mapping[]) => string | null,
  ) {
    this.#box = element;
    this.#focus = focus;
    this.#end = end;
    this.#labelOf = labelOf;
    const [rail, breaks, rects, labels] = [svg("rect"), svg("g"), svg("g"), svg("g")];
    setAttributes(rail, { class: "bar-rail", y: TOP, height: HEIGHT, width: "100%", rx: 4 });
    setAttributes(rects, { role: "presentation" });
    setAttributes(labels, { "aria-hidden": "true" });
    setAttributes(breaks, { "aria-hidden": "true" });
    element.firstElementChild?.append(rail, breaks, rects, labels, this.#marker);
    element.style.height = `${TOTAL_HEIGHT}px`;
    this.#rects = new KeyedChildren(rects, makeRect);
    this.#breaks = new KeyedChildren(breaks, makeBreak);
    this.#labels = new KeyedChildren(labels, makeLabel);
    new ResizeObserver(() => this.#draw()).observe(element);
    this.#listen();
    focus.listen(() => this.#mark());
  }

  show(mappings: readonly Mapping[]): void {
    this.#mappings = mappings;
    this.#draw();
  }

  #draw(): void {
    this.#width = this.#box.clientWidth;
    if (this.#width === 0) return;
    this.#scale = scaleOf(this.#mappings, this.#end, this.#width);
    const { pieces, breaks, clusters } = this.#scale;
    const mapped = pieces.filter((piece) => piece.mapping !== null);
    this.#rects.update(mapped.map(({ start }) => start));
    for (const piece of mapped) this.#drawRect(piece);
    this.#breaks.update(breaks.map((_, i) => i));
    for (const [i, piece] of breaks.entries()) this.#drawBreak(i, piece, breaks);
    this.#labels.update(clusters.map((_, i) => i));
    for (const [i, cluster] of clusters.entries()) this.#drawLabel(i, cluster);
    this.#mark();
  }

  #drawRect({ start, end, x, width, mapping }: Piece): void {
    const rect = this.#rects.get(start);
    if (rect === undefined || mapping === null) return;
    const kind = kindOf(mapping.perms);
    const name = mapping.name === "" ? "" : `, ${mapping.name}`;
    setAttributes(rect, {
      x: x.toFixed(2),
      width: Math.max(0.5, width).toFixed(2),
      fill: `url(#kind-${kind})`,
      "aria-label": `${address(start)}, ${bytes(end - start)}, ${mapping.perms}, ${KINDS[kind]}${name}`,
    });
  }

  #drawBreak(index: number, piece: Piece, breaks: readonly Piece[]): void {
    const group = this.#breaks.get(index);
    if (group === undefined) return;
    const [path, text] = group.children as unknown as [SVGPathElement, SVGTextElement];
    const middle = piece.x + piece.width / 2;
    const slant = Math.min(3, piece.width / 5);
    const stroke = (x: number) =>
      `M${x - slant} ${TOP + HEIGHT * 0.62}L${x + slant} ${TOP + HEIGHT * 0.38}`;
    setAttributes(path, { d: `${stroke(middle - slant)}${stroke(middle + slant)}` });
    const size = bytes(piece.end - piece.start);
    const half = (size.length * ADDRESS_PX) / 2;
    const x = Math.min(Math.max(middle, half), this.#width - half);
    const before = breaks[index - 1];
    const tight = before !== undefined && piece.x - before.x < half * 2 + 30;
    setAttributes(text, { x: x.toFixed(1), visibility: tight ? "hidden" : "visible" });
    setText(text, size);
  }

  #drawLabel(index: number, { x, width, mappings }: Cluster): void {
    const group = this.#labels.get(index);
    if (group === undefined) return;
    const [name, place] = group.children as unknown as [SVGTextElement, SVGTextElement];
    const middle = (x + width / 2).toFixed(1);
    const words = this.#labelOf(mappings) ?? namesIn(mappings);
    setAttributes(name, { x: middle });
    setText(name, this.#shorten(words, width + 4, name));
    const start = address(mappings[0]?.start ?? 0);
    setAttributes(place, { x: middle });
    setText(place, start.length * ADDRESS_PX <= width ? start : "");
  }

  /** As much of `text` as fits, in the font of `like`. */
  #shorten(text: string, width: number, like: Element): string {
    const pen = this.#pen;
    if (pen === null) return "";
    this.#font ||= getComputedStyle(like).font;
    pen.font = this.#font;
    for (let length = text.length; length > 2; length--) {
      const shown = length === text.length ? text : `${text.slice(0, length).trimEnd()}…`;
      if (pen.measureText(shown).width <= width) return shown;
    }
    return "";
  }

  /** Draws the frame around what is looked at, and tells screen readers. */
  #mark(): void {
    const at = this.#focus.address;
    const piece =
      at === null
        ? undefined
        : this.#scale.pieces.find(({ start, end }) => start <= at && at < end);
    setAttributes(this.#marker, {
      visibility: piece === undefined ? "hidden" : "visible",
      x: ((piece?.x ?? 0) - 1).toFixed(2),
      width: ((piece?.width ?? 0) + 2).toFixed(2),
    });
    const option = piece?.mapping ? this.#rects.get(piece.start) : undefined;
    for (const old of this.#box.querySelectorAll('[aria-selected="true"]')) {
      if (old !== option) old.setAttribute("aria-selected", "false");
    }
    if (option === undefined) {
      this.#box.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    this.#box.setAttribute("aria-activedescendant", option.id);
  }

  #listen(): void {
    const element = this.#box;
    element.addEventListener("pointermove", (event) => this.#focus.hover(this.#addressAt(event)));
    element.addEventListener("pointerleave", () => this.#focus.hover(null));
    element.addEventListener("click", (event) => this.#focus.select(this.#addressAt(event)));
    element.addEventListener("keydown", (event) => {
      const next = this.#keyTarget(event.key);
      if (next === undefined) return;
      event.preventDefault();
      this.#focus.select(next);
    });
    element.addEventListener("focus", () => {
      if (this.#focus.selected === null) this.#focus.select(this.#mappings[0]?.start ?? null);
    });
  }

  /** The start of the piece under the pointer. */
  #addressAt(event: MouseEvent): number | null {
    const x = event.clientX - this.#box.getBoundingClientRect().left;
    const piece = this.#scale.pieces.find((part) => part.x <= x && x < part.x + part.width);
    return piece?.start ?? null;
  }

  /** Where a key leads; undefined: not ours. */
  #keyTarget(key: string): number | null | undefined {
    const at = this.#focus.selected ?? -1;
    const before = this.#mappings.filter(({ end }) => end <= at);
    const current = mappingAt(this.#mappings, at);
    switch (key) {
      case "ArrowRight":
      case "ArrowDown":
        return this.#mappings.find(({ start }) => start > at)?.start ?? at;
      case "ArrowLeft":
      case "ArrowUp":
        return before.at(-1)?.start ?? current?.start ?? at;
      case "Home":
        return this.#mappings[0]?.start;
      case "End":
        return this.#mappings.at(-1)?.start;
      case "Escape":
        return null;
      default:
        return undefined;
    }
  }
}

function makeRect(start: number): SVGRectElement {
  return svg("rect", {
    class: "bar-mapping",
    id: `mapping-${start.toString(16)}`,
    role: "option",
    "aria-selected": "false",
    y: TOP,
    height: HEIGHT,
    rx: 1.5,
  });
}

function makeBreak(): SVGGElement {
  const group = svg("g", { class: "bar-break" });
  group.append(svg("path"), svg("text", { y: TOP - 6, "text-anchor": "middle" }));
  return group;
}

function makeLabel(): SVGGElement {
  const group = svg("g", { class: "bar-label" });
  group.append(
    svg("text", { class: "bar-name", y: NAME_Y, "text-anchor": "middle" }),
    svg("text", { class: "bar-address", y: ADDRESS_Y, "text-anchor": "middle" }),
  );
  return group;
}

/** The names of a cluster, each once. */
function namesIn(mappings: readonly Mapping[]): string {
  const names = new Set(mappings.map(({ name }) => baseName(name)).filter((name) => name !== ""));
  return names.size === 0 ? "anonymous" : [...names].join(", ");
}

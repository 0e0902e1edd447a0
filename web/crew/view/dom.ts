// The few words this page needs to talk to the document.

/** @throws TypeError the page has no such element, or one of another kind */
export function byId<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new TypeError(`the page has no ${kind.name} #${id}`);
}

export function html<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  text = "",
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  if (text !== "") element.textContent = text;
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>> = {},
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS(SVG, tag);
  setAttributes(element, attributes);
  return element;
}

/** Writes only what differs: unchanged parts of a live page cost nothing. */
export function setAttributes(
  element: Element,
  attributes: Readonly<Record<string, string | number>>,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

export function setText(element: Node, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes `parent`'s children those of `keys`, in that order, keeping the element of each key
 * that was there before: focus and hover survive. Keys must be sorted the same way every
 * time, so that nothing that stays ever moves.
 */
export class KeyedChildren<Item extends Element> {
  readonly #parent: Element;
  readonly #make: (key: number) => Item;
  #items = new Map<number, Item>();

  constructor(parent: Element, make: (key: number) => Item) {
    this.#parent = parent;
    this.#make = make;
  }

  get(key: number): Item | undefined {
    return this.#items.get(key);
  }

  update(keys: readonly number[]): void {
    const next = new Map<number, Item>();
    for (const key of keys) next.set(key, this.#items.get(key) ?? this.#make(key));
    for (const [key, item] of this.#items) if (!next.has(key)) item.remove();
    let place = this.#parent.firstElementChild;
    for (const item of next.values()) {
      if (item === place) place = item.nextElementSibling;
      else this.#parent.insertBefore(item, place);
    }
    this.#items = next;
  }
}

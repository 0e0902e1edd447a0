// The readout: what the reader looks at, in words, and the calls one can make on it.

import { type Mapping, mappingAt } from "../space/maps.js";
import { byId, setText } from "./dom.js";
import type { Focus } from "./focus.js";
import { address, bytes, count, lengthWord } from "./format.js";
import { KINDS, kindOf } from "./kinds.js";

const PAGE = 4096;

export class Readout {
  readonly #range = byId("readout-range", HTMLElement);
  readonly #text = byId("readout-text", HTMLElement);
  readonly #actions = byId("readout-actions", HTMLElement);
  readonly #focus: Focus;
  readonly #end: number;
  #mappings: readonly Mapping[] = [];

  /**
   * @param end of the address space, bytes
   * @param propose puts a command into the command line
   */
  constructor(focus: Focus, end: number, propose: (command: string) => void) {
    this.#focus = focus;
    this.#end = end;
    focus.listen(() => this.#draw());
    this.#actions.addEventListener("click", (event) => {
      const verb = (event.target as HTMLElement).dataset["verb"];
      const mapping = this.#selected();
      if (verb === undefined || mapping === null) return;
      const start = `0x${mapping.start.toString(16)}`;
      const length = lengthWord(mapping.end - mapping.start);
      if (verb === "fault") propose(`fault ${start} write`);
      else propose(`${verb} ${start} ${length}${verb === "mprotect" ? " r" : ""}`);
    });
  }

  show(mappings: readonly Mapping[]): void {
    this.#mappings = mappings;
    this.#draw();
  }

  #selected(): Mapping | null {
    const { selected } = this.#focus;
    return selected === null ? null : mappingAt(this.#mappings, selected);
  }

  #draw(): void {
    const at = this.#focus.address;
    this.#actions.classList.toggle("is-off", this.#selected() === null);
    for (const button of this.#actions.querySelectorAll("button")) {
      button.disabled = this.#selected() === null;
    }
    if (at === null) {
      setText(this.#range, "");
      setText(
        this.#text,
        "Point at the bar or the table; click, or use the arrow keys, to select.",
      );
      return;
    }
    const mapping = mappingAt(this.#mappings, at);
    const { start, end } = mapping ?? this.#gapAt(at);
    const size = bytes(end - start);
    const pages = count((end - start) / PAGE);
    setText(this.#range, `${address(start)}-${address(end)}${mapping ? ` ${mapping.perms}` : ""}`);
    const what = mapping === null ? "unmapped" : KINDS[kindOf(mapping.perms)];
    const shared = mapping?.perms[3] === "s" ? ", shared" : "";
    const name = mapping === null ? "" : ` · ${mapping.name === "" ? "anonymous" : mapping.name}`;
    setText(
      this.#text,
      `${size}, ${pages} ${pages === "1" ? "page" : "pages"} · ${what}${shared}${name}`,
    );
  }

  #gapAt(at: number): { start: number; end: number } {
    const start = this.#mappings.findLast(({ end }) => end <= at)?.end ?? 0;
    const end = this.#mappings.find((mapping) => mapping.start > at)?.start ?? this.#end;
    return { start, end };
  }
}

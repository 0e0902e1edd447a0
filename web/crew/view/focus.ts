// What the reader looks at: one address, shared by bar, table and readout.
//
// An address, not a mapping: mappings come and go under the pointer.

type Listener = () => void;

export class Focus {
  #hovered: number | null = null;
  #selected: number | null = null;
  readonly #listeners: Listener[] = [];

  /** The address under the pointer, else the selected one. */
  get address(): number | null {
    return this.#hovered ?? this.#selected;
  }

  get selected(): number | null {
    return this.#selected;
  }

  hover(address: number | null): void {
    if (this.#hovered === address) return;
    this.#hovered = address;
    this.#tell();
  }

  select(address: number | null): void {
    this.#hovered = null;
    this.#selected = address;
    this.#tell();
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

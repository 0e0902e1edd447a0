// Page: a page to put into a mapping; an identity and a count, without contents.
//
// Floor: S2. Imports: errors, handle.

import type { Context } from "./context.js";
import { checked, checkedPointer } from "./errors.js";
import { Handle } from "./handle.js";

/** Address of a page record in the arena. */
export type PagePtr = number;

/**
 * A counted reference to a page.
 *
 * Made by {@link Engine.allocPage}; {@link VmaMixedMap.vmInsertPage} takes a reference of its
 * own, so the page may be disposed as soon as it is put in. It has no bytes: it is what
 * mincore and faults find in a mapping, and what zapPageRangeSingle takes out.
 *
 * Source: `Page`, rust/kernel/page.rs.
 */
export class Page extends Handle {
  /** @internal @throws MmError ENOMEM the arena is full */
  static make(context: Context): Page {
    return new Page(context, checkedPointer(context.core.x.page_create(), "allocPage"));
  }

  protected override get kind(): string {
    return "Page";
  }

  protected put(pointer: PagePtr): void {
    this.context.core.x.page_put(pointer);
  }

  /** One more reference to the same page. */
  clone(): Page {
    const pointer = this.pointer;
    checked(this.context.core.x.page_get(pointer), "clone");
    return new Page(this.context, pointer);
  }

  /** The record's address; equal addresses are the same page. */
  asRaw(): PagePtr {
    return this.pointer;
  }

  /** References to the page: handles and entries of mappings. For diagnosis. */
  get refs(): number {
    return this.context.core.x.page_refs(this.pointer);
  }
}

// Pages put into VM_MIXEDMAP mappings (vm_insert_page), and the page table that finds them.
//
// All that a page has is an identity and a count of references: there are no contents.
//
//   page number   39        30 29        20 19        10 9          0
//                ┌────────────┬────────────┬────────────┬────────────┐
//                │  top       │            │            │  last      │  index into a table of
//                └────────────┴────────────┴────────────┴────────────┘  1024 words at each level
//   a word: the next table, or at the last level a page; 0 nothing
//
// Invariants
//   P1  a present entry lies in a VMA with VM_MIXEDMAP, or in one that an mmap hook is making.
//   P2  an entry owns one reference of its page.
//   P3  tables stay until the mm is torn down: whoever is its user walks them without a lock.
//
// Entries come and go by compare-and-swap and exchange, since mmap readers and per-VMA
// readers insert and zap at the same time. To move or copy a range, hold its VMAs for writing.
//
// Death of a worker: what is done to entries of write-locked VMAs is logged (alloc/journal.ts)
// and undone or committed with the call; a table on its way is announced. A reference on its
// way into an entry that others may change meanwhile is lost: the entry is no u64, so it could
// not be told whether it came there and was zapped again.
// Floor: mm. Imports: base, alloc, sync, mm/change.

import { journal_later } from "../alloc/commit";
import { journal_alloc, journal_word, Tag } from "../alloc/journal";
import { ledger_add } from "../alloc/ledger";
import {
  slab_alloc,
  slab_free,
  slab_free_once,
  slab_next,
  slab_owns,
  slab_reserve,
} from "../alloc/slab";
import { Mm, Page, PageTable, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { Ref, SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { announce_plain, Op, settle } from "../sync/announce";
import { cmpxchg, exchange, load_acquire, store_release } from "../sync/atomics";
import { refcount_read, refcount_set } from "../sync/refcount";
import { mm_abandon_change, mm_end_change } from "./change";

/** What pages_next answers when there is no further page. */
export const NO_PAGE: u64 = u64.MAX_VALUE;

/** A page with one reference, this worker's, or -ENOMEM. */
export function page_create(): i32 {
  if (slab_reserve(SlabKind.PAGE, 1) != 0) return -Errno.ENOMEM;
  const page = journal_alloc(SlabKind.PAGE);
  if (ledger_add(<u32>page | Ref.PAGE) != 0) {
    mm_abandon_change();
    return -Errno.ENOMEM;
  }
  refcount_set(page + Page.REFS, 1);
  mm_end_change();
  return <i32>page;
}

export function page_refs(page: u32): u32 {
  return refcount_read(<usize>page + Page.REFS);
}

/** True if `page` is a live page record: misuse checks. */
export function page_is_valid(page: u32): bool {
  return slab_owns(SlabKind.PAGE, page) && page_refs(page) != 0;
}

/**
 * Puts `page` at page number `n`, with a reference of its own: 0, -EBUSY (one is there),
 * -ENOMEM. Ends the call under way: whatever it has changed is whole. `alone`: nobody else gets
 * at the entry, whose VMA is write-locked.
 */
export function pages_insert(mm: usize, n: u64, page: u32, alone: bool): i32 {
  const entry = entry_make(mm, n);
  if (entry == 0) return -Errno.ENOMEM;
  if (alone) return insert_alone(entry, page);
  journal_later(Tag.GET_PAGE, page); // P2: before the entry is visible, for a zap gives it back at once
  mm_end_change();
  // Claims the empty entry against other inserts. Partner: the exchange in pages_zap.
  if (cmpxchg(entry, 0, page) == 0) return 0;
  journal_later(Tag.PUT_PAGE, page);
  mm_end_change();
  return -Errno.EBUSY;
}

function insert_alone(entry: usize, page: u32): i32 {
  if (load<u32>(entry) != 0) return -Errno.EBUSY;
  journal_word(entry);
  journal_later(Tag.GET_PAGE, page);
  store_release(entry, page); // partner: pages_next of whoever looks without a lock
  mm_end_change();
  return 0;
}

/** Drops the pages of [first, end) page numbers, as part of the call under way. */
export function pages_zap(mm: usize, first: u64, end: u64): void {
  let n = pages_next(mm, first, end);
  while (n != NO_PAGE) {
    const entry = entry_at(mm, n);
    journal_word(entry);
    // Takes the entry and its reference: of two zaps only one gets the page.
    const page = exchange(entry, 0);
    if (page != 0) journal_later(Tag.PUT_PAGE, page);
    n = pages_next(mm, n + 1, end);
  }
}

/** The first page number in [first, end) that has a page; NO_PAGE. */
export function pages_next(mm: usize, first: u64, end: u64): u64 {
  let n = first;
  while (n < end) {
    let table = mm + Mm.PAGES;
    let shift: u64 = PageTable.LEVELS * PageTable.BITS;
    let entry = load_acquire(table);
    while (entry != 0 && shift != 0) {
      shift -= PageTable.BITS;
      table = entry;
      entry = load_acquire(slot_of(table, n, shift));
    }
    if (entry != 0) return n;
    // Nothing under this word: on to the first number of the next one.
    const next = ((n >> shift) + 1) << shift;
    if (next <= n) return NO_PAGE;
    n = next;
  }
  return NO_PAGE;
}

/** Writes a byte a page number of [first, first + count) at `out`: 1 present. How many are. */
export function pages_present(mm: usize, first: u64, count: u32, out: usize): u32 {
  memory.fill(out, 0, count);
  let found: u32 = 0;
  const end = first + count;
  let n = pages_next(mm, first, end);
  while (n != NO_PAGE) {
    store<u8>(out + <usize>(n - first), 1);
    found++;
    n = pages_next(mm, n + 1, end);
  }
  return found;
}

/** Makes room for `count` pages of `from` at `to`, so that pages_move cannot fail: 0 or -ENOMEM. */
export function pages_reserve_move(mm: usize, from: u64, to: u64, count: u64): i32 {
  let n = pages_next(mm, from, from + count);
  while (n != NO_PAGE) {
    if (entry_make(mm, to + (n - from)) == 0) return -Errno.ENOMEM;
    n = pages_next(mm, n + 1, from + count);
  }
  return 0;
}

/** Moves the pages of [from, from + count) to `to`, where there are none. Reserved by the caller. */
export function pages_move(mm: usize, from: u64, to: u64, count: u64): void {
  let n = pages_next(mm, from, from + count);
  while (n != NO_PAGE) {
    const target = entry_at(mm, to + (n - from));
    const source = entry_at(mm, n);
    journal_word(target);
    journal_word(source);
    store_release(target, exchange(source, 0));
    n = pages_next(mm, n + 1, from + count);
  }
}

/** Gives `child` the pages of [first, end) too: 0, or -ENOMEM with some of them copied. */
export function pages_copy(child: usize, mm: usize, first: u64, end: u64): i32 {
  let n = pages_next(mm, first, end);
  while (n != NO_PAGE) {
    const failed = pages_insert(child, n, load_acquire(entry_at(mm, n)), true);
    if (failed != 0) return failed;
    n = pages_next(mm, n + 1, end);
  }
  return 0;
}

/**
 * Drops all pages and frees all tables; can be gone on with. Context: the mm has no users.
 * Commits a table at a time.
 */
export function pages_destroy(mm: usize): void {
  const limit: u64 = (<u64>1) << (PageTable.LEVELS * PageTable.BITS);
  let n = pages_next(mm, 0, limit);
  while (n != NO_PAGE) {
    const next = (n | <u64>PageTable.MASK) + 1;
    pages_zap(mm, n, next);
    mm_end_change();
    n = pages_next(mm, next, limit);
  }
  table_free(mm + Mm.PAGES, PageTable.LEVELS);
}

/** Frees the table that `word` names, whose last level holds nothing any more. */
function table_free(word: usize, level: u32): void {
  const table = load<u32>(word);
  if (table == 0 || level == 0) return;
  for (let i: usize = 0; i < <usize>PageTable.ENTRIES; i++)
    table_free(<usize>table + (i << 2), level - 1);
  announce_table(table, word);
  store<u32>(word, 0);
  slab_free(SlabKind.TABLE, table);
  settle();
}

/** Address of the word for number `n` in a table whose words stand for 2^shift numbers each. */
function slot_of(table: usize, n: u64, shift: u64): usize {
  return table + ((<usize>((n >> shift) & PageTable.MASK)) << 2);
}

/** Address of the entry of `n`, whose tables are there. */
function entry_at(mm: usize, n: u64): usize {
  let word = mm + Mm.PAGES;
  let shift: u64 = PageTable.LEVELS * PageTable.BITS;
  while (shift != 0) {
    shift -= PageTable.BITS;
    word = slot_of(load_acquire(word), n, shift);
  }
  return word;
}

/** The same, making the tables that are missing; 0: the arena is full. */
function entry_make(mm: usize, n: u64): usize {
  let word = mm + Mm.PAGES;
  let shift: u64 = PageTable.LEVELS * PageTable.BITS;
  while (shift != 0) {
    let table = load_acquire(word);
    if (table == 0) table = table_make(word);
    if (table == 0) return 0;
    shift -= PageTable.BITS;
    word = slot_of(table, n, shift);
  }
  return word;
}

/** The table that `word` names afterwards: this worker's or another's; 0: the arena is full. */
function table_make(word: usize): u32 {
  if (slab_reserve(SlabKind.TABLE, 1) != 0) return 0;
  announce_table(<u32>slab_next(SlabKind.TABLE), word);
  const table = slab_alloc(SlabKind.TABLE);
  memory.fill(table, 0, PageTable.ENTRIES * 4);
  // Publishes the emptied table, unless another worker was first.
  const other = cmpxchg(word, 0, <u32>table);
  if (other != 0) slab_free(SlabKind.TABLE, table);
  settle();
  return other == 0 ? <u32>table : other;
}

/** Says that `table` is on its way into `word`, or out of it. */
function announce_table(table: u32, word: usize): void {
  const seat = this_seat();
  store<u32>(seat, table, Seat.OP_A);
  store<u32>(seat, <u32>word, Seat.OP_B);
  announce_plain(Op.TABLE);
}

/** Finishes a table's way. Context: the seat of a dead worker is ours; its magazines are counted anew. */
export function pages_recover(): void {
  const seat = this_seat();
  if (load<u32>(seat, Seat.OP_WHAT) != <u32>Op.TABLE) return;
  const table = load<u32>(seat, Seat.OP_A);
  // It stays in its word until the mm is torn down (P3), which the dead worker was a user of.
  if (load_acquire(load<u32>(seat, Seat.OP_B)) != table) slab_free_once(SlabKind.TABLE, table);
  settle();
}

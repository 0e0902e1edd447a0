// Names: UTF-8 bytes in a chain of fixed pieces; a counted record for anonymous VMA names.
//
//   piece   0     4                     128
//           ┌─────┬──────────────────────┐
//           │ next│ 124 bytes of the name│
//           └─────┴──────────────────────┘
//   a VMA name (prctl PR_SET_VMA) is one piece: length, references, bytes (VmaName)
//
// References are taken and given when the call is committed (alloc/commit.ts).
// Floor: mm. Imports: base, alloc, sync/refcount.

import { journal_later } from "../alloc/commit";
import { journal_alloc, Tag } from "../alloc/journal";
import { slab_reserve } from "../alloc/slab";
import { Name, VmaName } from "../base/layout";
import { SlabKind } from "../shared/abi";
import { refcount_set } from "../sync/refcount";

/** Copies `length` bytes into a chain of pieces; 0 if the arena is full (or the name empty). */
export function name_make(bytes: usize, length: u32): u32 {
  const pieces = (length + Name.CAPACITY - 1) / Name.CAPACITY;
  if (pieces == 0 || slab_reserve(SlabKind.NAME, pieces) != 0) return 0;
  let first: u32 = 0;
  let at = pieces;
  while (at > 0) {
    at--;
    const piece = journal_alloc(SlabKind.NAME);
    const from = at * Name.CAPACITY;
    const rest = length - from;
    memory.copy(
      piece + Name.BYTES,
      bytes + from,
      rest < <u32>Name.CAPACITY ? rest : <u32>Name.CAPACITY,
    );
    store<u32>(piece, first, Name.NEXT);
    first = <u32>piece;
  }
  return first;
}

/** Copies a name of `length` bytes out. */
export function name_copy(name: u32, length: u32, out: usize): void {
  let piece = <usize>name;
  let done: u32 = 0;
  while (piece != 0 && done < length) {
    const rest = length - done;
    const n = rest < <u32>Name.CAPACITY ? rest : <u32>Name.CAPACITY;
    memory.copy(out + done, piece + Name.BYTES, n);
    done += n;
    piece = <usize>load<u32>(piece, Name.NEXT);
  }
}

/** A counted VMA name with one reference; 0 if the arena is full. `length` <= VmaName.MAX. */
export function vma_name_make(bytes: usize, length: u32): u32 {
  const name = journal_alloc(SlabKind.NAME);
  if (name == 0) return 0;
  store<u32>(name, length, VmaName.LENGTH);
  memory.copy(name + VmaName.BYTES, bytes, length);
  refcount_set(name + VmaName.REFS, 1);
  return <u32>name;
}

export function name_get(name: u32): void {
  journal_later(Tag.GET_NAME, name);
}

export function name_put(name: u32): void {
  journal_later(Tag.PUT_NAME, name);
}

/** R-MERGE-14: both none, or equal strings. */
export function vma_names_equal(a: u32, b: u32): bool {
  if (a == b) return true;
  if (a == 0 || b == 0) return false;
  const length = load<u32>(<usize>a, VmaName.LENGTH);
  if (length != load<u32>(<usize>b, VmaName.LENGTH)) return false;
  return memory.compare(<usize>a + VmaName.BYTES, <usize>b + VmaName.BYTES, length) == 0;
}

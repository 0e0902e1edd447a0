// What the search field of the table means.
//
//   0x7ffff7d8c000, 7ffff7d8c000   the mapping that contains this address
//   rw, r-x, ---p, x               permissions: all letters given; `-` means not
//   libc, [heap], anon             part of the name

import { permsAt, type Rows, rowAt } from "../../app/rows.js";

export type Search =
  | { readonly kind: "all" }
  | { readonly kind: "address"; readonly address: number }
  | { readonly kind: "perms"; readonly letters: string }
  | { readonly kind: "name"; readonly part: string };

/** Shorter words of hex digits are names: `cafe` is one. */
const MIN_ADDRESS_DIGITS = 7;

export function parseSearch(text: string): Search {
  const word = text.trim().toLowerCase();
  if (word === "") return { kind: "all" };
  const hex = /^(0x)?([0-9a-f]{1,13})$/.exec(word);
  if (hex !== null && (hex[1] !== undefined || hex[2]!.length >= MIN_ADDRESS_DIGITS)) {
    return { kind: "address", address: Number.parseInt(hex[2]!, 16) };
  }
  if (/^(r?w?x?|[r-][w-][x-][ps]?)$/.test(word)) return { kind: "perms", letters: word };
  return { kind: "name", part: word };
}

/** The rows that a search finds, ascending; null: all of them. */
export function findRows(rows: Rows, search: Search): number[] | null {
  switch (search.kind) {
    case "all":
      return null;
    case "address": {
      const row = rowAt(rows, search.address);
      return row < 0 ? [] : [row];
    }
    case "perms":
      return filtered(rows, (row) => hasPerms(permsAt(rows, row), search.letters));
    case "name":
      return filtered(rows, (row) => {
        const name = rows.nameOf(row);
        return (name === "" ? "anonymous" : name.toLowerCase()).includes(search.part);
      });
  }
}

function filtered(rows: Rows, keep: (row: number) => boolean): number[] {
  const found: number[] = [];
  for (let row = 0; row < rows.count; row++) if (keep(row)) found.push(row);
  return found;
}

/** `r-x` wants these three columns so; `rx` wants both letters and says nothing of w. */
function hasPerms(perms: string, letters: string): boolean {
  if (letters.length < 3 || letters === "rwx") {
    return [...letters].every((letter) => perms.includes(letter));
  }
  return perms.startsWith(letters);
}

// One line of /proc/PID/maps, both ways (R-PROC-1..8). Pure: no wasm.
//
//   55fbd74dc000-55fbd750b000 r--p 00002000 fe:00 260104                     /usr/bin/bash
//   start        end          perms offset  device inode                     name, column 73

import type { Address } from "../address.js";
import { quantity } from "./ndjson.js";

/** A line of maps: one VMA of a process, or the kernel's [vsyscall] page. */
export interface MapsEntry {
  /** Bytes; `[start, end)`. A bigint above 2^53 only: [vsyscall]. */
  readonly start: Address;
  readonly end: Address;
  /** `r-xp` */
  readonly perms: string;
  /** Bytes; 0 without a file. */
  readonly offset: Address;
  readonly major: number;
  readonly minor: number;
  readonly inode: Address;
  /** The last column as it stands, "" if there is none: see `pathOf` for what it may mean. */
  readonly name: string;
  /** Spaces before the name, if not as many as a 64-bit kernel writes. */
  readonly padding?: number;
  /** smaps: its lines in their order; a number is kB, a string stands without a unit. */
  readonly fields?: Readonly<Record<string, number | string>>;
}

const LINE =
  /^([\da-f]{1,16})-([\da-f]{1,16}) ([r-][w-][x-][sp]) ([\da-f]{1,16}) ([\da-f]{1,8}):([\da-f]{1,8}) (\d{1,20})(?: ( *)(.*))?$/s;

/** Names begin one column later: 25 + 6 * sizeof(void *) - 1. */
const NAME_COLUMN = 72;
/** So many hexadecimal digits are a number for certain. */
const SAFE_DIGITS = 13;

function word(digits: string): Address {
  return digits.length <= SAFE_DIGITS
    ? Number.parseInt(digits, 16)
    : quantity(BigInt(`0x${digits}`));
}

/** The entry of a line without its newline; null if it is none. */
export function parseMapsLine(text: string): MapsEntry | null {
  const match = LINE.exec(text);
  if (match === null) return null;
  const [, start, end, perms, offset, major, minor, inode, padding = "", name = ""] = match;
  const entry: MapsEntry & { padding?: number } = {
    start: word(start!),
    end: word(end!),
    perms: perms!,
    offset: word(offset!),
    major: Number.parseInt(major!, 16),
    minor: Number.parseInt(minor!, 16),
    inode: inode!.length < 16 ? Number(inode) : quantity(BigInt(inode!)),
    name,
  };
  if (name === "") return entry;
  // The space after the inode is not of the padding.
  const fixed = text.length - name.length - padding.length;
  if (padding.length !== paddingAfter(fixed)) entry.padding = padding.length;
  return entry;
}

function paddingAfter(fixed: number): number {
  return Math.max(NAME_COLUMN - fixed, 0) + 1;
}

function hex(value: Address, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** The line as the kernel writes it, without its newline. */
export function formatMapsLine(entry: MapsEntry): string {
  const { start, end, perms, offset, major, minor, inode, name } = entry;
  const fixed =
    `${hex(start, 8)}-${hex(end, 8)} ${perms} ${hex(offset, 8)} ` +
    `${hex(major, 2)}:${hex(minor, 2)} ${inode} `;
  if (name === "") return fixed;
  return fixed + " ".repeat(entry.padding ?? paddingAfter(fixed.length)) + name;
}

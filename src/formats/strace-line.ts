// One line of strace: who, and the call with its arguments and its result. Pure.
//
//   [pid  1234] 12:00:01.5 (+ 0.000123) [00007f3d3166aad7] [   9] mmap(NULL, ...) = 0x7f.. <0.0001>
//   1234<comm>  1795617132.077654 <... mmap resumed>) = 0x7f..

import type { Address } from "../address.js";
import { wordOf } from "./strace-words.js";

/** -f; -t, -tt, -ttt or -r; -r beside -t; -i; -n. A pid has at most 22 bits: longer is a time. */
const PREFIX =
  /^(?:(?:\[pid +)?(\d{1,7})(?:<[^>]*>)?\]? +)?(?:[\d:]{8,}(?:\.\d+)? | *\d+\.\d+ )?(?:\(\+ *\d+\.\d+\) )?(?:\[[ \da-f?]+\] )*/;

export interface StraceLine {
  /** The thread; 0 if the line does not say. */
  readonly tid: number;
  readonly text: string;
}

export function splitPrefix(line: string): StraceLine {
  const [prefix = "", tid = 0] = PREFIX.exec(line) ?? [];
  return { tid: Number(tid), text: line.slice(prefix.length) };
}

export interface StraceCall {
  readonly args: readonly string[];
  /** What stands after `= `. */
  readonly result: string;
}

/**
 * A string; what a descriptor is open on, in it perhaps its device or the arrow of a socket
 * (strace escapes `<` and `>` of the name itself); brackets and commas; the rest.
 */
const TOKEN = /"(?:\\.|[^\\"])*"|(?<=[\dD])<(?!<)(?:[^<>]|->|<[^<>]*>)*>|[^"<([{)\]},]+|./gs;

/** Arguments and result of `(...) = ...`; null if it is none, or cut. */
export function splitCall(text: string): StraceCall | null {
  const args: string[] = [];
  let depth = 0;
  let from = 1;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (")]}".includes(token)) depth--;
    if (depth === 0 || (token === "," && depth === 1)) {
      if (index > from) args.push(text.slice(from, index).trim());
      from = index + 1;
      if (depth === 0 && index > 0) break;
    }
    if ("([{".includes(token)) depth++;
  }
  const [, result] = /^\s*= (.+)/s.exec(text.slice(from)) ?? [];
  return result && depth === 0 ? { args, result } : null;
}

/** A string as it was: `\"`, `\n`, octal and hexadecimal bytes. */
export function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  // What is not ASCII is escaped, so that a character is a byte.
  const bytes = text.replace(/\\(?:x(..)|([0-7]{1,3})|(.))/gs, (_, hex, octal, char) => {
    if (char) return "\t\n\v\f\r"["tnvfr".indexOf(char)] ?? char;
    return String.fromCharCode(Number(hex ? `0x${hex}` : `0o${octal}`));
  });
  return new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

/** The text of a quoted argument; undefined if it is none, or strace shortened it. */
export function stringOf(argument = ""): string | undefined {
  return /^".*"$/s.test(argument) ? unescaped(argument.slice(1, -1)) : undefined;
}

/** `3`, `3</lib/x.so>`, `3</dev/null<char 1:3>>`, `3</memfd:name>(deleted)`, `4294967295`. */
const DESCRIPTOR = /^(-?\d+|0x\w+)(?:<(.*?)(?:<.*>)?>(\(deleted\))?)?(?: |$)/s;

export interface Descriptor {
  /** -1 if it is none. */
  readonly number: number;
  /** With -y: what it is open on, as maps would name it. */
  readonly path: string | undefined;
}

export function descriptorOf(text = ""): Descriptor {
  const [, number = -1, name, deleted] = DESCRIPTOR.exec(text) ?? [];
  const path = name && unescaped(name) + (deleted ? ` ${deleted}` : "");
  return { number: Number(number) | 0, path };
}

const RESULT = /^(\?|\d\w*|-1(?= E))(?:<.*>\S*)?(?: (E[A-Z\d]+))?(?: |$)/s;

/** The value or the errno's name; `?` of a call that never returned; undefined for anything else. */
export function resultOf(text = ""): Address | string | undefined {
  const [, value = "", errno] = RESULT.exec(text) ?? [];
  return value === "?" ? value : (errno ?? wordOf(value));
}

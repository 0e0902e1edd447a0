// Bytes <-> text with nothing lost: a file name is bytes, and need not be UTF-8. Pure.
//
// In a line that is no UTF-8, each byte above 0x7f becomes a lone surrogate
// U+DC80..U+DCFF (as in Python's surrogateescape), and goes back to that byte.

const NEWLINE = 10;
/** Binary data has no newlines: a longer line may be cut anywhere. */
const MAX_LINE = 2 ** 25;
const LONE = /((?<![\ud800-\udbff])[\udc80-\udcff]+)/;

/** The bytes that `text` was decoded from. */
export function encodeText(text: string): Uint8Array {
  const encoder = new TextEncoder();
  if (!LONE.test(text)) return encoder.encode(text);
  const parts = text.split(LONE);
  return joined(
    parts.map((part, n) =>
      n % 2 === 0
        ? encoder.encode(part)
        : Uint8Array.from(part, (char) => char.charCodeAt(0) & 0xff),
    ),
  );
}

/** The text of whole lines. */
export function decodeLines(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Halves of lines: one that is wrong among many is found soon.
    const middle = bytes.length >>> 1;
    const at = bytes.lastIndexOf(NEWLINE, middle) + 1 || bytes.indexOf(NEWLINE, middle) + 1;
    if (at > 0 && at < bytes.length) {
      return decodeLines(bytes.subarray(0, at)) + decodeLines(bytes.subarray(at));
    }
    return Array.from(bytes, escaped).join("");
  }
}

function escaped(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes in pieces -> text in pieces of whole lines. */
export class LineDecoder {
  #rest: Uint8Array = new Uint8Array(0);

  /** Text of the next bytes as far as their last newline; without any, of what is left. */
  decode(bytes?: Uint8Array): string {
    if (bytes === undefined) return decodeLines(this.#rest);
    const all = this.#rest.length === 0 ? bytes : joined([this.#rest, bytes]);
    const end = all.length > MAX_LINE ? all.length : all.lastIndexOf(NEWLINE) + 1;
    this.#rest = all.slice(end);
    return decodeLines(all.subarray(0, end));
  }
}

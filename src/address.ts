// Addresses and lengths at the wall: what is accepted, and in which form it crosses.
//
// A number is exact up to 2^53 bytes and crosses as f64. A bigint reaches 2^64 and
// crosses as i64 through the `_i64` twin of an export: only its user pays for it.
//
// Floor: S0. Imports: nothing.

/** Bytes. A number must be a non-negative safe integer, a bigint below 2^64; results are numbers. */
export type Address = number | bigint;

const LIMIT = 2n ** 64n;

/**
 * `address` if it is a well-formed number.
 *
 * @throws RangeError negative, fractional, NaN or above 2^53 - 1
 */
export function checkedNumber(address: number, name: string): number {
  if (Number.isSafeInteger(address) && address >= 0) return address + 0; // -0 becomes 0
  if (typeof address !== "number") {
    throw new TypeError(`${name} must be a number or a bigint, not ${typeof address}`);
  }
  throw new RangeError(`${name} must be a non-negative safe integer, not ${address}`);
}

/** `address` for an `_i64` export; wasm takes the bits, so values above 2^63 arrive as u64. */
export function wide(address: Address, name: string): bigint {
  if (typeof address !== "bigint") return BigInt(checkedNumber(address, name));
  if (address >= 0n && address < LIMIT) return address;
  throw new RangeError(`${name} must be in [0, 2^64), not ${address}`);
}

/**
 * `address` as a number, for values that must fit one anyway (options).
 *
 * @throws RangeError outside [0, 2^53)
 */
export function asNumber(address: Address, name: string): number {
  return checkedNumber(typeof address === "bigint" ? Number(wide(address, name)) : address, name);
}

/**
 * `address` where only its place matters, not its low bits: above 2^53 nothing is mapped, so
 * the largest number has the same answer.
 */
export function clamped(address: Address, name: string): number {
  if (typeof address === "number") return checkedNumber(address, name);
  return Math.min(Number(wide(address, name)), Number.MAX_SAFE_INTEGER);
}

/**
 * `bits` if it is a 32-bit word: prot, flags, advice.
 *
 * @throws RangeError not an integer of 32 bits: the core would only see its low bits
 * @throws TypeError no number
 */
export function checkedWord(bits: number, name: string): number {
  if (typeof bits !== "number") throw new TypeError(`${name} must be a number, not ${shown(bits)}`);
  if (Number.isInteger(bits) && bits >= -0x80000000 && bits <= 0xffffffff) return bits;
  throw new RangeError(`${name} must be a 32-bit integer, not ${bits}`);
}

/** A value of any kind for a message: what has no text of its own goes by its type. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  const plain = value === null || (typeof value !== "object" && typeof value !== "function");
  return plain ? String(value) : `a ${typeof value}`;
}

/** @throws TypeError `value` is not an object with fields */
export function assertFields(value: unknown, name: string): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${name} must be an object, not ${shown(value)}`);
}

/** The place of `value` among the words that it may be. @throws TypeError it is none of them */
export function codeOf(words: readonly string[], value: string, name: string): number {
  const code = words.indexOf(value);
  if (code >= 0) return code;
  throw new TypeError(`${name} must be one of ${words.join(", ")}, not ${shown(value)}`);
}

/** Lower-case hex without prefix, padded to `digits`. */
export function hex(value: number, digits = 1): string {
  return value.toString(16).padStart(digits, "0");
}

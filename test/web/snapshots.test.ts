// States kept as changes are the states, whatever was thinned out, cut off, or asked for before.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Snapshots } from "../../web/app/snapshots.js";

const INTERVAL = 4;
const WORDS = 8192;

type Step =
  | { readonly kind: "write"; readonly at: number; readonly value: number; readonly many: number }
  | { readonly kind: "grow"; readonly bytes: number }
  | { readonly kind: "read"; readonly share: number }
  | { readonly kind: "cut"; readonly share: number };

const share = fc.double({ min: 0, max: 1, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      at: fc.nat({ max: WORDS - 1 }),
      value: fc.nat({ max: 1000 }),
      many: fc.integer({ min: 1, max: 3 }),
    }),
  },
  fc.record({ kind: fc.constant("grow" as const), bytes: fc.constantFrom(256, 2560) }),
  fc.record({ kind: fc.constant("read" as const), share }),
  fc.record({ kind: fc.constant("cut" as const), share }),
);

/** A log of states beside their whole copies. */
class Bench {
  readonly snapshots: Snapshots;
  readonly memory = new Uint8Array(WORDS * 4);
  readonly words = new Uint32Array(this.memory.buffer);
  /** Bytes in use, and the copy of them at each index of the log. */
  used = 16384;
  copies: Uint8Array[] = [];

  constructor(budgetBytes: number) {
    this.snapshots = new Snapshots(INTERVAL, budgetBytes);
    this.#keep();
  }

  #keep(): void {
    const index = this.copies.push(this.memory.slice(0, this.used)) - 1;
    if (index % this.snapshots.interval !== 0) return;
    const bytes = this.memory.subarray(0, this.used);
    this.snapshots.add(index, { bytes, mm: index, files: [] });
  }

  take(step: Step): void {
    const last = this.copies.length - 1;
    switch (step.kind) {
      case "grow":
        this.used = Math.min(this.memory.length, this.used + step.bytes);
        break;
      case "write":
        for (let i = 0; i < step.many; i++) {
          const at = (step.at + i * 37) % (this.used / 4);
          this.words[at] = step.value;
        }
        break;
      case "read":
        this.check(Math.round(step.share * last));
        return;
      case "cut": {
        const index = Math.round(step.share * last);
        this.snapshots.cut(index);
        this.copies.length = index + 1;
        const bytes = this.copies[index]!;
        this.memory.fill(0);
        this.memory.set(bytes);
        this.used = bytes.length;
        return;
      }
    }
    this.#keep();
  }

  check(index: number): void {
    const at = this.snapshots.before(index);
    expect(at).toBeLessThanOrEqual(index);
    const { bytes, mm } = this.snapshots.at(at);
    expect(mm).toBe(at);
    expect(Buffer.compare(bytes, this.copies[at]!)).toBe(0);
  }
}

test.each([
  ["room for all", 2 ** 24, 2 ** 24],
  ["room for a few", 18_000, 40_000],
])("with %s", (_, from, to) => {
  const steps = fc.array(step, { maxLength: 400, size: "max" });
  let interval = INTERVAL;
  fc.assert(
    fc.property(steps, fc.integer({ min: from, max: to }), (drawn, budgetBytes) => {
      const bench = new Bench(budgetBytes);
      for (const one of drawn) bench.take(one);
      for (let index = bench.copies.length - 1; index >= 0; index--) bench.check(index);
      interval = Math.max(interval, bench.snapshots.interval);
    }),
    { numRuns: 200 },
  );
  if (from === to) expect(interval).toBe(INTERVAL);
  else expect(interval).toBeGreaterThan(4 * INTERVAL);
});

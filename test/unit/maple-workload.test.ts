// The index does the same work as the trees it is measured against: equal checksums.
//
// With MAPLE_BENCH=1000,10000 the same runs print nanoseconds an operation (process CPU
// time, best of three rounds); without, small ones check the answers only.

import { expect, test } from "vitest";
import { type Rows, run } from "../support/maple-workload";

/** From the anchors: kernel C, std::map, absl, Rust and thirteen JavaScript trees agree. */
const CHECKSUMS: Record<number, Record<string, number>> = {
  1000: {
    lookup_rand: 209657675,
    mixed: 1022157,
    gap_0: 8698392654,
    gap_50: 7971123117,
    gap_99: 5577627079,
  },
  10000: {
    lookup_rand: 4261412522,
    iterate: 50005000,
    split_merge: 50005000,
    mixed: 98804839,
    gap_0: 173583806681,
    gap_50: 159859959383,
    gap_99: 151143975235,
  },
};

test.each([1000, 10000])("checksums of %d ranges equal the anchors'", (n) => {
  const rows = run(n);
  for (const [name, checksum] of Object.entries(CHECKSUMS[n]!)) {
    expect(rows.get(name)?.checksum, name).toBe(checksum);
  }
  expect(rows.get("bytes_asc")!.value).toBeLessThan(15);
  expect(rows.get("bytes_rand")!.value).toBeLessThan(17);
});

const sizes = (process.env["MAPLE_BENCH"] ?? "").split(",").filter(Boolean).map(Number);

test.runIf(sizes.length > 0)(
  "figures",
  () => {
    const tables = sizes.map((n): Rows => {
      const rows: Rows = new Map();
      for (let round = 0; round < 3; round++) run(n, rows);
      return rows;
    });
    const line = (name: string, cells: string[]) =>
      name.padEnd(14) + cells.map((cell) => cell.padStart(10)).join("");
    const lines = [line("ns/op", sizes.map(String))];
    for (const name of tables[0]!.keys()) {
      lines.push(
        line(
          name,
          tables.map((rows) => rows.get(name)!.value.toFixed(1)),
        ),
      );
    }
    process.stdout.write(`${lines.join("\n")}\n`);
  },
  600_000,
);

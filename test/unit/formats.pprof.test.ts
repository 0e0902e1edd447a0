// Maps as profiles of pprof, read by somebody else's decoder.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import { describe, expect, test } from "vitest";
import { type MapsEntry, readMaps } from "../../src/formats/maps.js";
import { mapsProfile } from "../../src/formats/pprof.js";

function fixture(name: string): readonly MapsEntry[] {
  const url = new URL(`../../fixtures/maps/${name}.gz`, import.meta.url);
  const { entries, problems } = readMaps(gunzipSync(readFileSync(url)));
  expect(problems).toEqual([]);
  return entries;
}

function decoded(entries: readonly MapsEntry[]) {
  const profile = Profile.decode(mapsProfile(entries));
  const text = (place: number | bigint) => profile.stringTable.strings[Number(place)];
  const types = profile.sampleType.map(({ type, unit }) => `${text(type)} ${text(unit)}`);
  return { profile, text, types };
}

describe("a profile", () => {
  test.each(["chromium.maps", "odd.maps", "postgres.smaps"])("%s: every mapping", (name) => {
    const entries = fixture(name);
    const { profile, text } = decoded(entries);
    const mappings = profile.mapping.map((one) => ({
      start: BigInt(one.memoryStart),
      end: BigInt(one.memoryLimit),
      offset: BigInt(one.fileOffset),
    }));
    expect(mappings).toEqual(
      entries.map(({ start, end, offset }) => ({
        start: BigInt(start),
        end: BigInt(end),
        offset: BigInt(offset),
      })),
    );
    const named = entries.findIndex((entry) => entry.name.startsWith("/usr/"));
    expect(text(profile.mapping[named]!.filename)).toBe(entries[named]!.name);
    expect(text(0)).toBe("");
  });

  test("bytes by name add up", () => {
    const entries = fixture("postgres.smaps");
    const { profile, text, types } = decoded(entries);
    expect(types).toEqual(["mapped bytes", "resident bytes"]);
    const sums = new Map<string, [number, number]>();
    for (const { locationId, value } of profile.sample) {
      const location = profile.location[Number(locationId[0]) - 1]!;
      expect(location.id).toBe(locationId[0]);
      const { name } = profile.function[Number(location.line[0]!.functionId) - 1]!;
      const [mapped, resident] = sums.get(text(name)!) ?? [0, 0];
      sums.set(text(name)!, [mapped + Number(value[0]), resident + Number(value[1])]);
    }
    const of = (name: string) => entries.filter((entry) => entry.name === name);
    const total = (list: readonly MapsEntry[], size: (entry: MapsEntry) => number) =>
      list.reduce((sum, entry) => sum + size(entry), 0);
    for (const name of ["[heap]", "[stack]", entries[0]!.name]) {
      const mapped = total(of(name), ({ start, end }) => Number(end) - Number(start));
      const resident = total(of(name), ({ fields }) => Number(fields!["Rss"]) * 1024);
      expect(sums.get(name)).toEqual([mapped, resident]);
    }
    expect(sums.has("[anonymous]")).toBe(true);
  });

  test("maps has no resident bytes; an unlinked file has its path", () => {
    const text = "00001000-00003000 r-xp 00002000 08:02 7 /lib/a b (deleted)\n";
    const { profile, text: word, types } = decoded(readMaps(text).entries);
    expect(types).toEqual(["mapped bytes"]);
    expect(profile.sample.map(({ value }) => value.map(Number))).toEqual([[0x2000]]);
    expect(word(profile.mapping[0]!.filename)).toBe("/lib/a b");
    expect(word(profile.function[0]!.name)).toBe("/lib/a b (deleted)");
  });

  test("no entries: an empty profile", () => {
    const { profile } = decoded([]);
    expect(profile.mapping).toEqual([]);
    expect(profile.stringTable.strings).toEqual(["", "mapped", "bytes"]);
  });
});

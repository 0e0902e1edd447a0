// Objects whose keys are the words of a text, each with a value of its place: the names that the
// API has for the numbers of an enum in assembly/shared.
//
// The texts weigh half of what an object with every number in it does in a page that loads the
// library; test/unit/words.test.ts holds them to their enums. Floor: S0. Imports: nothing.

/** The words of a text, without the `-` that stands where a number has no name. */
export type Words<Text extends string, Found = never> = Text extends `${infer Word} ${infer Rest}`
  ? Words<Rest, Found | Word>
  : Exclude<Found | Text, "-">;

/** `{ word: value(place) }` for every word of `text`; places count from 0. */
export function byWord<Text extends string, Value>(
  text: Text,
  value: (place: number) => Value,
): Record<Words<Text>, Value> {
  const found: Record<string, Value> = {};
  text.split(" ").forEach((word, place) => {
    if (word !== "-") found[word] = value(place);
  });
  return found as Record<Words<Text>, Value>;
}

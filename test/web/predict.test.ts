// The predict card's questions: one answer is what the engine does, and no two are the same.

import { describe, expect, test } from "vitest";
import { Machine } from "../../web/app/machine.js";
import { permsAt } from "../../web/app/rows.js";
import { Store } from "../../web/app/store.js";
import { questionOf } from "../../web/predict/question.js";
import { MPROTECT_THE_MIDDLE, SMALL_PROCESS } from "../../web/presets/first.js";

async function asked(calls = MPROTECT_THE_MIDDLE) {
  const store = new Store(await Machine.create(), SMALL_PROCESS);
  await store.load(SMALL_PROCESS, calls);
  store.seek(0);
  return store;
}

describe("a question", () => {
  test("has one right answer, which the next step shows, and wrong ones that differ", async () => {
    const store = await asked();
    for (let step = 0; step < MPROTECT_THE_MIDDLE.length; step++) {
      const question = questionOf(store);
      expect(question).not.toBeNull();
      const { answers, right, entry } = question!;
      expect(entry).toBe(store.entries.value[step]);
      expect(answers.length).toBeGreaterThanOrEqual(2);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(answers.length);
      store.seek(step + 1);
      const { after } = store.moment.value;
      for (const { start, end, perms, name } of answers[right]!.pieces) {
        const row = after.start.indexOf(start);
        expect(row).toBeGreaterThanOrEqual(0);
        expect([after.end[row], permsAt(after, row), after.nameOf(row)]).toEqual([
          end,
          perms,
          name,
        ]);
      }
    }
    expect(questionOf(store)).toBeNull();
  });

  test("about a split offers that the whole mapping changes, and that nothing does", async () => {
    const store = await asked();
    store.seek(1);
    const { answers, right } = questionOf(store)!;
    const words = answers.map(({ pieces }) => pieces.map(({ perms }) => perms).join(" "));
    expect(words[right]).toBe("rw-p r--p rw-p");
    expect(words).toContain("r--p");
    expect(words).toContain("rw-p");
  });

  test("about a merge offers that the borders stay", async () => {
    const store = await asked();
    store.seek(2);
    const { answers, right } = questionOf(store)!;
    const words = answers.map(({ pieces }) => pieces.map(({ perms }) => perms).join(" "));
    expect(words[right]).toBe("rw-p");
    expect(words).toContain("rw-p rw-p rw-p");
  });

  test("about a refusal has the errno for its answer", async () => {
    const call = { op: "munmap" as const, args: [0x1234, 0x1000], text: "" };
    const { answers, right } = questionOf(await asked([{ call }]))!;
    expect(answers[right]!.errno).toBe("EINVAL");
    expect(answers.filter(({ errno }) => errno === null).length).toBeGreaterThan(0);
  });
});

// How hard the crew works: steps a second, by job.

export type JobName = "mapper" | "faulter";
export type Pace = "calm" | "brisk" | "flat-out";

export const PACES: Readonly<Record<Pace, Readonly<Record<JobName, number>>>> = {
  calm: { mapper: 6, faulter: 600 },
  brisk: { mapper: 2_000, faulter: 100_000 },
  "flat-out": { mapper: Number.POSITIVE_INFINITY, faulter: Number.POSITIVE_INFINITY },
};

export function isPace(word: string): word is Pace {
  return Object.hasOwn(PACES, word);
}

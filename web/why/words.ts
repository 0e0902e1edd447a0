// The two-letter codes of smaps' VmFlags in words, for people who do not know them by heart.
// Meanings: Documentation/filesystems/proc.rst, VmFlags.

const MEANINGS: Readonly<Record<string, string>> = {
  rd: "readable",
  wr: "writable",
  ex: "executable",
  sh: "shared",
  mr: "may become readable",
  mw: "may become writable",
  me: "may become executable",
  ms: "may become shared",
  gd: "grows down",
  um: "userfaultfd: missing pages",
  pf: "page frames without a struct page",
  gu: "may hold guard pages",
  uw: "userfaultfd: write protection",
  lo: "locked",
  io: "device memory",
  sr: "sequential reads",
  rr: "random reads",
  dc: "not copied on fork",
  de: "may not grow by mremap",
  lf: "locked when touched",
  ac: "accounted",
  nr: "reserves no swap",
  ht: "huge pages of hugetlb",
  sf: "synchronous faults",
  ar: "architecture's own",
  wf: "wiped on fork",
  dd: "left out of core dumps",
  sd: "soft dirty",
  mm: "mixed page frames and pages",
  hg: "huge pages wanted",
  nh: "no huge pages",
  mg: "KSM may merge pages",
  ss: "shadow stack",
  dp: "may be dropped",
  ui: "userfaultfd: minor faults",
  sl: "sealed",
};

/** `wr ac` becomes `wr (writable), ac (accounted)`. */
export function spellCodes(codes: string): string {
  return codes
    .split(" ")
    .map((code) => {
      const sign = /^[+-]/.test(code) ? code.slice(0, 1) : "";
      const meaning = MEANINGS[code.slice(sign.length)];
      return meaning === undefined ? code : `${code} (${meaning})`;
    })
    .join(", ");
}

/** A reason of `whyApart` with the codes that it names spelled out. */
export function spellReason(text: string): string {
  return text.replace(/\bhas ((?:[a-z]{2})(?: [a-z]{2})*)(?=,|$)/g, (_, codes: string) => {
    return `has ${spellCodes(codes)}`;
  });
}

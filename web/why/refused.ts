// A call of the log as the library names it in errors: what whyRefused asks about.

import type { RefusedCall } from "../../src/why.js";
import type { Call } from "../app/call.js";

/** @param file the open file behind a path; 0 without one */
export function refusedCall(
  { op, args, text }: Call,
  code: string,
  file: (path: string) => number,
): RefusedCall {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args;
  const range = { address: a, length: b };
  switch (op) {
    case "mmap": {
      const handle = text === "" ? {} : { file: file(text) };
      return { code, syscall: op, args: { ...range, prot: c, flags: d, ...handle, offset: f } };
    }
    case "mprotect":
    case "pkey_mprotect":
      return { code, syscall: "mprotect", args: { ...range, prot: c } };
    case "madvise":
      return { code, syscall: op, args: { ...range, advice: c } };
    case "mremap":
      return {
        code,
        syscall: op,
        args: { address: a, oldLength: b, newLength: c, flags: d, newAddress: e },
      };
    case "mlock2":
      return { code, syscall: "mlock", args: { ...range, flags: c } };
    case "mlockall":
      return { code, syscall: op, args: { flags: a } };
    case "msync":
    case "mseal":
      return { code, syscall: op, args: { ...range, flags: c } };
    case "prctl": {
      const name = JSON.stringify(e === 0 ? null : text);
      return { code, syscall: "setVmaName", args: { address: c, length: d, name } };
    }
    case "remap_file_pages":
      return { code, syscall: "remapFilePages", args: { ...range, prot: c, pgoff: d, flags: e } };
    default:
      return { code, syscall: op, args: range };
  }
}

// An entry of the log as text: in short form, and as strace prints it.

import { errnoText } from "../../src/errors.js";
import {
  type Address,
  Madvise,
  MapFlags,
  MlockFlags,
  MremapFlags,
  MsyncFlags,
  Prot,
} from "../../src/index.js";
import type { Call, Entry, Outcome } from "../app/call.js";
import { shortForm } from "../command/short.js";
import { MAP_TYPE_MASK } from "../command/words.js";

/** As the command line takes it; calls that it does not know as strace has them. */
export function shortLine(call: Call): string {
  return shortForm(call) ?? callText(call);
}

/** A call with its result: `munmap(0x7f0000000000, 4096) = 0`. */
export function straceLine({ call, outcome }: Entry): string {
  if (call.op === "fault" && typeof outcome === "string" && outcome !== "ENOMEM") {
    const signal = outcome.startsWith("BUS") ? "SIGBUS" : "SIGSEGV";
    const address = hex(call.args[0] ?? 0);
    return `--- ${signal} {si_signo=${signal}, si_code=${outcome}, si_addr=${address}} ---`;
  }
  return `${callText(call)} = ${resultText(call, outcome)}`;
}

function resultText({ op }: Call, outcome: Outcome): string {
  if (typeof outcome === "string") {
    const text = errnoText(outcome);
    const words = text === null ? "" : ` (${text.charAt(0).toUpperCase()}${text.slice(1)})`;
    return `-1 ${outcome}${words}`;
  }
  return op === "mmap" || op === "mremap" || op === "brk" ? hex(outcome) : `${outcome}`;
}

function hex(value: Address): string {
  return value < 0 ? `${value}` : `0x${value.toString(16)}`;
}

function pointer(value: Address): string {
  return value === 0 ? "NULL" : hex(value);
}

type Names = readonly (readonly [name: string, bits: number])[];

function namesOf(prefix: string, flags: Readonly<Record<string, number>>): Names {
  return Object.entries(flags)
    .filter(([, bits]) => bits !== 0)
    .map(([name, bits]) => [name.startsWith(prefix) ? name : prefix + name, bits]);
}

const PROT = namesOf("PROT_", Prot);
const MAP = namesOf("MAP_", MapFlags).filter(
  ([name, bits]) => name !== "MAP_HUGE_SHIFT" && bits > MAP_TYPE_MASK,
);
const MAP_TYPE = new Map<number, string>([
  [MapFlags.SHARED, "MAP_SHARED"],
  [MapFlags.PRIVATE, "MAP_PRIVATE"],
  [MapFlags.SHARED_VALIDATE, "MAP_SHARED_VALIDATE"],
  [MapFlags.DROPPABLE, "MAP_DROPPABLE"],
]);
const MREMAP = namesOf("MREMAP_", MremapFlags);
const MS = namesOf("MS_", MsyncFlags);
const MADV = new Map(
  Object.entries(Madvise).map(([name, value]) => [value as number, `MADV_${name}`]),
);
const MCL: Names = [
  ["MCL_CURRENT", MlockFlags.CURRENT],
  ["MCL_FUTURE", MlockFlags.FUTURE],
  ["MCL_ONFAULT", MlockFlags.ALL_ONFAULT],
];
const MLOCK: Names = [["MLOCK_ONFAULT", MlockFlags.ONFAULT]];
const LIMITS = new Map<Address, string>([
  [9, "RLIMIT_AS"],
  [2, "RLIMIT_DATA"],
  [8, "RLIMIT_MEMLOCK"],
  [3, "RLIMIT_STACK"],
]);
const UNLIMITED = 2n ** 64n - 1n;

/** `A|B|0x40`; `zero` if there is nothing. */
function bitsText(value: Address, names: Names, zero = "0"): string {
  let rest = Number(value) >>> 0;
  const parts: string[] = [];
  for (const [name, bits] of names) {
    if ((rest & bits) >>> 0 !== bits >>> 0) continue;
    parts.push(name);
    rest = (rest & ~bits) >>> 0;
  }
  if (rest !== 0) parts.push(hex(rest));
  return parts.length === 0 ? zero : parts.join("|");
}

function mapText(value: Address): string {
  const flags = Number(value) >>> 0;
  const type = MAP_TYPE.get(flags & MAP_TYPE_MASK);
  if (type === undefined) return bitsText(flags, MAP);
  const rest = (flags & ~MAP_TYPE_MASK) >>> 0;
  return rest === 0 ? type : `${type}|${bitsText(rest, MAP)}`;
}

/** Bytes of a name as strace escapes them. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

/** A descriptor with its path, as strace -y has it. */
function descriptor(fd: Address, path: string): string {
  if (path === "") return `${fd}`;
  const escaped = [...new TextEncoder().encode(path.replace(/ \(deleted\)$/, ""))]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return byte < 0x20 || byte > 0x7e || '<>\\"'.includes(char)
        ? `\\x${byte.toString(16).padStart(2, "0")}`
        : char;
    })
    .join("");
  return `${fd}<${escaped}>${path.endsWith(" (deleted)") ? "(deleted)" : ""}`;
}

/** The call without its result. */
export function callText(call: Call): string {
  return `${call.op === "rlimit" ? "prlimit64" : call.op}(${argumentsOf(call).join(", ")})`;
}

function argumentsOf({ op, args, text }: Call): string[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args;
  const range = [hex(a), `${b}`];
  switch (op) {
    case "mmap": {
      const offset = f === 0 ? "0" : hex(f);
      const prot = bitsText(c, PROT, "PROT_NONE");
      return [pointer(a), `${b}`, prot, mapText(d), descriptor(e, text), offset];
    }
    case "munmap":
    case "mlock":
    case "munlock":
      return range;
    case "mincore":
      return [...range, pointer(c)];
    case "mprotect":
      return [...range, bitsText(c, PROT, "PROT_NONE")];
    case "pkey_mprotect":
      return [...range, bitsText(c, PROT, "PROT_NONE"), `${d}`];
    case "mremap": {
      const to = e === 0 && (Number(d) & ~MremapFlags.MAYMOVE) === 0 ? [] : [pointer(e)];
      return [...range, `${c}`, bitsText(d, MREMAP), ...to];
    }
    case "brk":
      return [pointer(a)];
    case "madvise":
      return [...range, MADV.get(Number(c)) ?? hex(c)];
    case "mlock2":
      return [...range, bitsText(c, MLOCK)];
    case "mlockall":
      return [bitsText(a, MCL)];
    case "msync":
      return [...range, bitsText(c, MS)];
    case "remap_file_pages":
      return [...range, bitsText(c, PROT, "PROT_NONE"), `${d}`, mapText(e)];
    case "prctl":
      if (b !== 0 || e === 0) return args.map(hex);
      return ["PR_SET_VMA", "PR_SET_VMA_ANON_NAME", hex(c), `${d}`, quoted(text)];
    case "fault":
      return [hex(a), ["read", "write", "exec"][Number(b)] ?? "read", ...(c === 0 ? [] : [`${c}`])];
    case "rlimit": {
      const limit = BigInt(b) === UNLIMITED ? "RLIM64_INFINITY" : `${b}`;
      return [
        "0",
        LIMITS.get(a) ?? `${a}`,
        `{rlim_cur=${limit}, rlim_max=RLIM64_INFINITY}`,
        "NULL",
      ];
    }
    case "fork":
      return [];
    default:
      return args.map(hex);
  }
}

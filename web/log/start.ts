// Where a log starts, as JSON and back: for links, and for copies between threads.

import type { TraceVma } from "../../src/formats/trace.js";
import type { FileOptions, MmOptions } from "../../src/index.js";
import type { Start } from "../app/machine.js";

/** Addresses are hexadecimal words without prefix: short, and exact. */
export interface StartJson {
  readonly options?: MmOptions;
  readonly vmas?: readonly (readonly [
    start: string,
    end: string,
    perms: string,
    offset: string,
    inode: number,
    name: string,
  ])[];
  readonly files?: readonly FileOptions[];
  readonly isPartial?: boolean;
}

export function startJson({ options, vmas, files, isPartial }: Start): StartJson {
  return {
    options,
    vmas: vmas.map(({ start, end, perms, offset, inode, name }) => [
      start.toString(16),
      end.toString(16),
      perms,
      offset.toString(16),
      inode,
      name,
    ]),
    ...(files === undefined ? {} : { files }),
    ...(isPartial === undefined ? {} : { isPartial }),
  };
}

/** Options that a link may set: numbers and words of MmOptions, checked again by createMm. */
const OPTIONS: readonly (keyof MmOptions)[] = [
  "taskSize",
  "mmapBase",
  "mmapMinAddr",
  "direction",
  "stackGuardGapPages",
  "maxMapCount",
  "startBrk",
  "brk",
  "dataSegment",
  "startStack",
  "overcommit",
  "totalRam",
  "thp",
  "rlimits",
  "capIpcLock",
  "capSysRawio",
  "vmaNames",
  "mdwe",
  "readImpliesExec",
];

/** @throws TypeError it is no start */
export function startOf(json: StartJson): Start {
  if (typeof json !== "object" || json === null) throw new TypeError("no object");
  const { options = {}, vmas = [], files, isPartial } = json;
  if (!Array.isArray(vmas) || typeof options !== "object" || options === null) {
    throw new TypeError("no start");
  }
  const known = Object.fromEntries(
    OPTIONS.flatMap((key) => (key in options ? [[key, options[key]]] : [])),
  );
  return {
    options: withLimits(known as MmOptions),
    vmas: vmas.map(vmaOf),
    ...(Array.isArray(files) ? { files: files.map(fileOf) } : {}),
    ...(isPartial === true ? { isPartial } : {}),
  };
}

/** JSON has no Infinity: an unlimited limit comes as null. */
function withLimits(options: MmOptions): MmOptions {
  if (options.rlimits === undefined) return options;
  const limits = Object.entries(options.rlimits).map(([name, bytes]) => [
    name,
    bytes ?? Number.POSITIVE_INFINITY,
  ]);
  return { ...options, rlimits: Object.fromEntries(limits) };
}

function vmaOf(row: unknown): TraceVma {
  const [start, end, perms, offset, inode, name] = Array.isArray(row) ? row : [];
  const [from, to, at] = [start, end, offset].map(hexNumber);
  if (
    from === null ||
    to === null ||
    at === null ||
    typeof perms !== "string" ||
    !/^[r-][w-][x-][ps]$/.test(perms) ||
    typeof inode !== "number" ||
    typeof name !== "string"
  ) {
    throw new TypeError("no VMA");
  }
  return { start: from as number, end: to as number, perms, offset: at as number, inode, name };
}

function hexNumber(text: unknown): number | null {
  return typeof text === "string" && /^[\da-f]{1,13}$/.test(text)
    ? Number.parseInt(text, 16)
    : null;
}

function fileOf(file: unknown): FileOptions {
  const { name } = (file ?? {}) as Partial<FileOptions>;
  if (typeof name !== "string" || name.length > MAX_NAME) throw new TypeError("no file");
  return file as FileOptions;
}

const MAX_NAME = 4096;

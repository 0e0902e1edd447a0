// Lines of /proc/PID/maps as data: what the bar and the table draw.

/** One line. */
export interface Mapping {
  /** Bytes; `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** `rw-p` and the like. */
  readonly perms: string;
  /** As printed. */
  readonly offset: string;
  readonly dev: string;
  readonly inode: string;
  /** Empty for what has no name. */
  readonly name: string;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+) *(.*)$/;

/** @throws SyntaxError a line is none of maps */
export function parseMaps(text: string): Mapping[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}

function parseLine(line: string): Mapping {
  const match = LINE.exec(line);
  if (match === null) throw new SyntaxError(`not a line of maps: ${line}`);
  const [, start = "", end = "", perms = "", offset = "", dev = "", inode = "", name = ""] = match;
  return {
    start: Number.parseInt(start, 16),
    end: Number.parseInt(end, 16),
    perms,
    offset,
    dev,
    inode,
    name,
  };
}

/** The mapping that contains `address`; null in a gap. */
export function mappingAt(mappings: readonly Mapping[], address: number): Mapping | null {
  return mappings.find(({ start, end }) => start <= address && address < end) ?? null;
}

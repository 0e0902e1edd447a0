// The VMAs of one moment, a column a field, all columns in one buffer. Row numbers are indices.
//
// A buffer for 65,530 rows has 3.4 MB; fresh memory of that size costs more than filling it,
// so buffers whose rows nobody looks at any more are used again.

export interface Columns {
  readonly count: number;
  /** Byte addresses of the VMAs in the arena: what leaves of the tree point to. */
  readonly vma: Uint32Array;
  /** Bytes; `[start, end)`. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** vm_flags, see VmFlags. */
  readonly flags: Float64Array;
  /** Pages. */
  readonly pgoff: Float64Array;
  /** Identities, 0 none. */
  readonly file: Uint32Array;
  readonly anonVma: Uint32Array;
  readonly anonName: Uint32Array;
  /** Equal numbers, equal names. */
  readonly name: Uint32Array;
}

export const WIDE = ["start", "end", "flags", "pgoff"] as const;
export const NARROW = ["vma", "file", "anonVma", "anonName", "name"] as const;

const ROW_BYTES = 8 * WIDE.length + 4 * NARROW.length;
/** Smaller buffers are not worth keeping. */
const KEPT_BYTES = 256 * 1024;
const KEPT_MAX = 4;

export class ColumnPool {
  #kept: ArrayBuffer[] = [];

  /** Columns of any content. */
  take(count: number): Columns {
    const bytes = count * ROW_BYTES;
    const at = this.#kept.findIndex(({ byteLength }) => byteLength >= bytes);
    // Some rows more: the next moment may have them.
    const spare = bytes < KEPT_BYTES ? 0 : bytes >>> 3;
    const [kept] = at < 0 ? [] : this.#kept.splice(at, 1);
    return columnsIn(kept ?? new ArrayBuffer((bytes + spare + 7) & ~7), count);
  }

  /** Nobody reads these any more. */
  give({ start: { buffer } }: Columns): void {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < KEPT_BYTES) return;
    this.#kept = [buffer, ...this.#kept].slice(0, KEPT_MAX);
  }
}

function columnsIn(buffer: ArrayBuffer, count: number): Columns {
  let at = 0;
  const wide = () => {
    const column = new Float64Array(buffer, at, count);
    at += column.byteLength;
    return column;
  };
  const narrow = () => {
    const column = new Uint32Array(buffer, at, count);
    at += column.byteLength;
    return column;
  };
  return {
    count,
    start: wide(),
    end: wide(),
    flags: wide(),
    pgoff: wide(),
    vma: narrow(),
    file: narrow(),
    anonVma: narrow(),
    anonName: narrow(),
    name: narrow(),
  };
}

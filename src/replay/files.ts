// The open files of a replay: one record a path, held until the replay ends.

import type { Core } from "../core.js";
import { createFile, type FileOptions, type FilePtr } from "../file.js";

export class FileTable {
  readonly #byName: Map<string, FilePtr>;

  /** `known`: files that are open already, whose references become this table's. */
  constructor(
    readonly core: Core,
    known: Iterable<readonly [name: string, file: FilePtr]> = [],
  ) {
    this.#byName = new Map(known);
  }

  /** The open files by name. */
  entries(): Iterable<readonly [name: string, file: FilePtr]> {
    return this.#byName.entries();
  }

  /** The file called `name`; made with `options` when first asked for. */
  open(name: string, options: Omit<FileOptions, "name">): FilePtr {
    let file = this.#byName.get(name);
    if (file === undefined) {
      file = createFile(this.core, { ...options, name });
      this.#byName.set(name, file);
    }
    return file;
  }

  /** The regular file at a path that a trace or a map names. */
  path(path: string): FilePtr {
    if (path === "/dev/zero") return this.open(path, { kind: "dev-zero" });
    const inMemory = /^\/(memfd:|SYSV|dev\/(shm\/|zero ))/.test(path);
    return this.open(path, inMemory ? { kind: "shmem" } : { hugePageAligned: true });
  }

  /** Gives the references back; mappings keep their own. */
  close(): void {
    for (const file of this.#byName.values()) this.core.x.file_put(file);
    this.#byName.clear();
  }
}

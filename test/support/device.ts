// A device driver for tests: a kind of file whose mmap hook is the test's.

import {
  type Engine,
  type FileOps,
  type FileRef,
  MapFlags,
  MmError,
  type MmWithUser,
} from "../../src/index.js";
import { BASE, freshEngine, PAGE, RW } from "./engine.js";

export const at = (page: number) => BASE + page * PAGE;

export interface Device {
  readonly engine: Engine;
  readonly mm: MmWithUser;
  readonly file: FileRef;
  /** Calls of the hook so far. */
  readonly calls: number;
  map(page: number, pages: number, more?: { prot?: number; flags?: number }): number;
}

/** An engine with a kind "device" whose mmap hook is `hook`. */
export async function device(hook: FileOps["mmap"]): Promise<Device> {
  const engine = await freshEngine();
  let calls = 0;
  engine.registerFileOps("device", {
    mmap(vma) {
      calls++;
      return hook(vma);
    },
  });
  const mm = engine.createMm();
  const file = engine.openFile({ name: "/dev/device", kind: "device" });
  const map: Device["map"] = (page, pages, more = {}) =>
    mm.mmap({
      address: at(page),
      length: pages * PAGE,
      prot: more.prot ?? RW,
      flags: more.flags ?? MapFlags.SHARED | MapFlags.FIXED,
      file,
    });
  return {
    engine,
    mm,
    file,
    map,
    get calls() {
      return calls;
    },
  };
}

/** A device that fills its mapping with pages of its own, as a packet ring does. */
export async function ring(): Promise<Device> {
  const dev = await device((vma) => {
    const mixed = vma.setMixedmap();
    for (let address = vma.start; address < vma.end; address += PAGE) {
      using page = dev.engine.allocPage();
      mixed.vmInsertPage(address, page);
    }
  });
  return dev;
}

export function flagsAt(mm: MmWithUser, address: number): number {
  return mm.peek(address)?.flags ?? Number.NaN;
}

/** One digit a page, as mincore says. */
export function resident(mm: MmWithUser, page: number, pages: number): string {
  return mm.mincore(at(page), pages * PAGE).join("");
}

export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof MmError) return error.code;
    throw error;
  }
  return "ok";
}

// One parsed command, made as a call, and its answer as strace prints it.

import {
  type Address,
  MapFlags,
  type MmWithUser,
  Prot,
  WouldBlockError,
} from "../../../src/index.js";
import { change } from "../space/access.js";
import type { Command } from "./parse.js";

export interface Answer {
  /** The call and its result, one line. */
  readonly line: string;
  /** A word on what that means; may be empty. */
  readonly note: string;
  /** False: the access got a signal. */
  readonly ok: boolean;
  /** What the call was about, in bytes, to show it on the map. */
  readonly address: number;
}

/** @throws MmError the call was refused */
export function execute(mm: MmWithUser, command: Command): Promise<Answer> {
  switch (command.verb) {
    case "mmap":
      return mmap(mm, command);
    case "munmap":
      return munmap(mm, command);
    case "mprotect":
      return mprotect(mm, command);
    case "fault":
      return fault(mm, command);
  }
}

type Of<Verb extends Command["verb"]> = Extract<Command, { verb: Verb }>;

async function mmap(mm: MmWithUser, { address, length, prot, fixed, shared }: Of<"mmap">) {
  const kind = shared ? MapFlags.SHARED : MapFlags.PRIVATE;
  const flags = kind | MapFlags.ANONYMOUS | (fixed ? MapFlags.FIXED : 0);
  const result = await change(mm, (guard) => guard.mmap({ address, length, prot, flags }));
  const words = `${shared ? "MAP_SHARED" : "MAP_PRIVATE"}|MAP_ANONYMOUS${fixed ? "|MAP_FIXED" : ""}`;
  const where = address === 0 ? "NULL" : hexOf(address);
  const line = `mmap(${where}, ${length}, ${protWords(prot)}, ${words}, -1, 0) = ${hexOf(result)}`;
  return { line, note: "", ok: true, address: result };
}

async function munmap(mm: MmWithUser, { address, length }: Of<"munmap">) {
  await change(mm, (guard) => guard.munmap(address, length));
  const line = `munmap(${hexOf(address)}, ${length}) = 0`;
  return { line, note: "", ok: true, address: Number(address) };
}

async function mprotect(mm: MmWithUser, { address, length, prot }: Of<"mprotect">) {
  await change(mm, (guard) => guard.mprotect(address, length, prot));
  const line = `mprotect(${hexOf(address)}, ${length}, ${protWords(prot)}) = 0`;
  return { line, note: "", ok: true, address: Number(address) };
}

async function fault(mm: MmWithUser, { address, access }: Of<"fault">): Promise<Answer> {
  const result = await faultAt(mm, address, access);
  const { ok, signal, outcome, viaMmapLock, grewStack } = result;
  const lock = viaMmapLock ? "under the mmap lock" : "under the VMA's own lock";
  return {
    line: `${access} at ${hexOf(address)} = ${ok ? "served" : `${signal} (${outcome})`}`,
    note: grewStack ? `${lock}; the stack grew` : lock,
    ok,
    address: Number(address),
  };
}

async function faultAt(mm: MmWithUser, address: Address, access: Of<"fault">["access"]) {
  try {
    return mm.handleMmFault(address, access);
  } catch (error) {
    if (!(error instanceof WouldBlockError)) throw error;
    return change(mm, (guard) => guard.handleMmFault(address, access));
  }
}

function protWords(prot: number): string {
  const words = [
    prot & Prot.READ ? "PROT_READ" : "",
    prot & Prot.WRITE ? "PROT_WRITE" : "",
    prot & Prot.EXEC ? "PROT_EXEC" : "",
  ].filter((word) => word !== "");
  return words.length === 0 ? "PROT_NONE" : words.join("|");
}

function hexOf(address: Address): string {
  return `0x${address.toString(16)}`;
}

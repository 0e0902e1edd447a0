// Kinds of mappings by what may be done with them: one colour and one pattern each.

export type Kind = "none" | "read" | "write" | "exec" | "write-exec";

export const KINDS: Readonly<Record<Kind, string>> = {
  none: "no access",
  read: "read only",
  write: "writable",
  exec: "executable",
  "write-exec": "writable and executable",
};

export const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

/** By VM_READ (1), VM_WRITE (2) and VM_EXEC (4). */
const BY_BITS: readonly Kind[] = [
  "none",
  "read",
  "write",
  "write",
  "exec",
  "exec",
  "write-exec",
  "write-exec",
];

export function kindOf(flags: number): Kind {
  return BY_BITS[flags % BY_BITS.length]!;
}

/** Of `rwxp`, as maps prints it. */
export function kindOfPerms(perms: string): Kind {
  const bits = (perms[0] === "r" ? 1 : 0) + (perms[1] === "w" ? 2 : 0) + (perms[2] === "x" ? 4 : 0);
  return kindOf(bits);
}

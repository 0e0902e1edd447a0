// Kinds of mappings by what may be done with them: one colour and one pattern each.

export type Kind = "none" | "read" | "write" | "exec" | "write-exec";

export const KINDS: Readonly<Record<Kind, string>> = {
  none: "no access",
  read: "read only",
  write: "writable",
  exec: "executable",
  "write-exec": "writable and executable",
};

export function kindOf(perms: string): Kind {
  const write = perms[1] === "w";
  const exec = perms[2] === "x";
  if (write && exec) return "write-exec";
  if (write) return "write";
  if (exec) return "exec";
  return perms[0] === "r" ? "read" : "none";
}

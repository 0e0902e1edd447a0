// What a mapping is called where its path is too long.

/** The last part of a path, without ` (deleted)`; a bracketed name as it is. */
export function baseName(name: string): string {
  if (!name.startsWith("/")) return name;
  const path = name.replace(/ \(deleted\)$/, "");
  return path.slice(path.lastIndexOf("/") + 1);
}

// Build switches: VERIFY (checks on), and the host hook of the explore build.
//
// `isDefined` folds at compile time, so the release build pays nothing.
// Floor: base. Imports: nothing.

@external("host", "explore")
declare function host_explore(addr: usize): void;

/** True in the verify build: costly assertions and failure injection are compiled in. */
export const VERIFY: bool = isDefined(VMA_VERIFY);

/** A point where the explore build may switch to another fiber. */
export function explore(addr: usize): void {
  if (isDefined(VMA_EXPLORE)) host_explore(addr);
}

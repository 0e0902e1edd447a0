// The table: the lines of /proc/PID/maps.

import { permsAt } from "../app/rows.js";
import type { PaneProps } from "../app/slots.js";

export function Table({ store }: PaneProps) {
  const { after, changes } = store.moment.value;
  const fresh = new Set(changes.fresh);
  return (
    <table class="maps">
      <tbody>
        {Array.from({ length: Math.min(after.count, 200) }, (_, row) => (
          <tr key={after.start[row]} class={fresh.has(row) ? "is-fresh" : ""}>
            <td>
              {after.start[row]!.toString(16)}-{after.end[row]!.toString(16)}
            </td>
            <td>{permsAt(after, row)}</td>
            <td>{after.nameOf(row)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

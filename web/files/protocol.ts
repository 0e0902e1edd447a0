// What the page and its file worker tell each other. Rows travel in batches: one message with
// half a million of them would stop the page while it is taken apart.

import type { MapsEntry } from "../../src/formats/maps-line.js";
import type { Planned } from "../app/timeline.js";
import type { FileContents } from "./reading.js";

export interface FileRequest {
  readonly file: Blob;
  readonly name: string;
}

export type FileReply =
  | { readonly kind: "progress"; readonly share: number }
  /** All but the rows, which follow. */
  | { readonly kind: "contents"; readonly contents: FileContents }
  | { readonly kind: "entries"; readonly entries: readonly MapsEntry[] }
  | { readonly kind: "planned"; readonly log: number; readonly planned: readonly Planned[] }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string; readonly isInput: boolean };

export const BATCH = 4000;

export function* batches<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let at = 0; at < rows.length; at += BATCH) yield rows.slice(at, at + BATCH);
}

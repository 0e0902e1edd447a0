// The file worker: reads one file, answers with what is in it. Ended by the page to cancel.

import { InputError } from "../../src/formats/ndjson.js";
import { batches, type FileReply, type FileRequest } from "./protocol.js";
import { readAnyFile } from "./reading.js";

const PROGRESS_MS = 50;

function tell(reply: FileReply): void {
  postMessage(reply);
}

async function answer({ file, name }: FileRequest): Promise<void> {
  let told = 0;
  const contents = await readAnyFile(file, name, (share) => {
    const now = performance.now();
    if (now - told < PROGRESS_MS) return;
    told = now;
    tell({ kind: "progress", share });
  });
  const { entries, logs } = contents;
  const bare = logs.map((log) => ({ ...log, planned: [] }));
  tell({ kind: "contents", contents: { ...contents, entries: [], logs: bare } });
  for (const batch of batches(entries)) tell({ kind: "entries", entries: batch });
  for (const [log, { planned }] of logs.entries()) {
    for (const batch of batches(planned)) tell({ kind: "planned", log, planned: batch });
  }
  tell({ kind: "done" });
}

addEventListener("message", ({ data }: MessageEvent<FileRequest>) => {
  answer(data).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    tell({ kind: "failed", message, isInput: error instanceof InputError });
  });
});

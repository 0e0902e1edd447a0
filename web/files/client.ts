// The page's side of the file worker: one worker a file, ended when it is done or cancelled.

import type { MapsEntry } from "../../src/formats/maps-line.js";
import type { FileReply, FileRequest } from "./protocol.js";
import type { FileContents } from "./reading.js";

export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (share: number) => void;
}

/** What could not be read, in one sentence for the reader of the page. */
export class FileError extends Error {
  override readonly name = "FileError";
}

/** @throws FileError nothing of the file is understood; AbortError as DOMException: cancelled */
export function openFile(file: File, { signal, onProgress }: OpenOptions): Promise<FileContents> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = withResolvers<FileContents>();
  let contents: FileContents | null = null;
  const entries: MapsEntry[] = [];
  const onReply = (reply: FileReply) => {
    switch (reply.kind) {
      case "progress":
        onProgress(reply.share);
        break;
      case "contents":
        contents = reply.contents;
        break;
      case "entries":
        for (const entry of reply.entries) entries.push(entry);
        break;
      case "planned":
        for (const planned of reply.planned) contents?.logs[reply.log]?.planned.push(planned);
        break;
      case "done":
        if (contents !== null) resolve({ ...contents, entries });
        break;
      case "failed":
        reject(new FileError(reply.message));
    }
  };
  worker.addEventListener("message", ({ data }: MessageEvent<FileReply>) => onReply(data));
  worker.addEventListener("error", () => reject(new FileError("the file reader could not start")));
  const onAbort = () => reject(new DOMException("cancelled", "AbortError"));
  signal.addEventListener("abort", onAbort, { once: true });
  const request: FileRequest = { file, name: file.name };
  worker.postMessage(request);
  return promise.finally(() => {
    signal.removeEventListener("abort", onAbort);
    worker.terminate();
  });
}

function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

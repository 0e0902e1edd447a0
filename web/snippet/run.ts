// Runs a snippet in a worker of its own, with a limit on its time and on what it prints.

import type { Report } from "./worker.js";

export const LIMIT_MS = 5000;
const MAX_PRINTS = 500;

export interface Printed {
  readonly text: string;
  readonly isError: boolean;
}

/** How a run ended. */
export type Ending =
  | { readonly kind: "done"; readonly ms: number }
  | Extract<Report, { kind: "failed" }>
  | { readonly kind: "stopped"; readonly message: string };

/** Resolves when the snippet is over, in whatever way; its worker is gone then. */
export function runSnippet(
  source: string,
  signal: AbortSignal,
  onPrint: (printed: Printed) => void,
): Promise<Ending> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const started = performance.now();
  return new Promise<Ending>((resolve) => {
    let prints = 0;
    const end = (ending: Ending) => {
      clearTimeout(timer);
      worker.terminate();
      resolve(ending);
    };
    const stop = (message: string) => end({ kind: "stopped", message });
    const timer = setTimeout(() => stop(`Stopped after ${LIMIT_MS / 1000} seconds.`), LIMIT_MS);
    signal.addEventListener("abort", () => stop("Stopped."), { once: true });
    worker.onerror = ({ message }) => end({ kind: "failed", line: null, message });
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (data.kind === "print") {
        if (prints++ < MAX_PRINTS) onPrint({ text: data.text, isError: data.isError });
        else stop(`Stopped: more than ${MAX_PRINTS} lines were printed.`);
      } else if (data.kind === "done") end({ kind: "done", ms: performance.now() - started });
      else end(data);
    };
    worker.postMessage(source);
  });
}

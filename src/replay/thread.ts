// A Node worker thread that exposes an API through comlink. Control plane only: start,
// stop, results. Each side has one end of a message channel, which comlink can use as it is.

import { MessageChannel, Worker, workerData } from "node:worker_threads";
import { type Endpoint, expose, type Remote, wrap } from "comlink";

export interface Thread<Api> {
  readonly api: Remote<Api>;
  /** Rejects if the thread dies before `end`; never resolves. */
  readonly death: Promise<never>;
  end(): Promise<void>;
}

interface ThreadData {
  readonly port: MessagePort;
}

/** Starts the module at `url`, which calls {@link exposeThread}. */
export function startThread<Api>(url: URL, name: string): Thread<Api> {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(url, { name, workerData: { port: port2 }, transferList: [port2] });
  let ended = false;
  const death = new Promise<never>((_, reject) => {
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (!ended) reject(new Error(`${name} exited with code ${code}`));
    });
  });
  death.catch(() => {}); // reported by whoever races a call against it
  return {
    api: wrap<Api>(port1 as unknown as Endpoint),
    death,
    async end() {
      ended = true;
      port1.close();
      await worker.terminate();
    },
  };
}

/** The thread's side: answers calls until the thread ends. */
export function exposeThread(api: object): void {
  const { port } = workerData as ThreadData;
  expose(api, port as unknown as Endpoint);
}

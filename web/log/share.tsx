// Share: a link to the log as it stands, and the log as files.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { coreOf } from "../../src/replay/engine-core.js";
import type { PaneProps } from "../app/slots.js";
import type { Store } from "../app/store.js";
import { straceText } from "./exports.js";
import { linkOf } from "./link.js";
import { barPicture } from "./picture.js";
import { recordingText } from "./recording.js";
import "./share.css";

export function ShareButton({ store }: PaneProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const link = useSignal("");
  const told = useSignal("");
  const open = async () => {
    link.value = "";
    told.value = "";
    dialog.current?.showModal();
    try {
      const fragment = await linkOf(store.start, store.entries.value, store.cursor.value);
      link.value = `${location.origin}${location.pathname}${location.search}${fragment}`;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      told.value = `No link: ${error.message}. Export the log instead.`;
    }
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      told.value = "Copied.";
    } catch {
      told.value = "The browser forbids copying: select the link and copy it yourself.";
    }
  };
  const save = async (format: Format) => {
    try {
      download(await format.make(store), format.name);
      told.value = `${format.name} is saved.`;
    } catch (error) {
      told.value = `${format.name}: ${error instanceof Error ? error.message : error}`;
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => void open()}>
        Share
      </button>
      <dialog ref={dialog} class="share" aria-labelledby="share-title">
        <form method="dialog" class="share-head">
          <h2 id="share-title">Share and export</h2>
          <button type="submit" class="button is-small">
            Close
          </button>
        </form>
        <div class="share-body">
          <label for="share-link">Link to this log, at this place</label>
          <div class="share-link">
            <input
              id="share-link"
              class="field mono"
              type="text"
              readOnly
              value={link.value}
              onFocus={(event) => event.currentTarget.select()}
            />
            <button
              type="button"
              class="button"
              disabled={link.value === ""}
              onClick={() => void copy()}
            >
              Copy
            </button>
          </div>
          <p class="muted">
            The whole log is in the link itself, behind the #: browsers do not send that part.
          </p>
          <h3>What was made so far, as a file</h3>
          <div class="share-formats">
            {FORMATS.map((format) => (
              <button
                key={format.name}
                type="button"
                class="button"
                title={format.meaning}
                onClick={() => void save(format)}
              >
                {format.title}
              </button>
            ))}
          </div>
          <p class="share-told" role="status">
            {told.value}
          </p>
        </div>
      </dialog>
    </>
  );
}

interface Format {
  readonly title: string;
  readonly name: string;
  readonly meaning: string;
  readonly make: (store: Store) => Blob | Promise<Blob>;
}

const FORMATS: readonly Format[] = [
  {
    title: "strace log",
    name: "vmaple.strace",
    meaning: "The calls as strace -y prints them",
    make: (store) => {
      const made = store.entries.value.slice(0, store.cursor.value);
      return new Blob([straceText(made)], { type: "text/plain" });
    },
  },
  {
    title: "recording",
    name: "vmaple.ndjson",
    meaning: "The calls, and the map after each, for vmaple replay",
    make: (store) => {
      const made = store.entries.value.slice(0, store.cursor.value);
      const { machine } = store;
      const saved = machine.save(); // the recorder's space lives in the same arena
      try {
        const text = recordingText(coreOf(machine.engine), store.start, made);
        return new Blob([text], { type: "application/x-ndjson" });
      } finally {
        machine.restore(saved);
      }
    },
  },
  {
    title: "maps",
    name: "vmaple.maps",
    meaning: "The map at this place, as /proc/PID/maps shows it",
    make: (store) => new Blob([store.machine.mm.maps()], { type: "text/plain" }),
  },
  {
    title: "PNG of the bar",
    name: "vmaple.png",
    meaning: "The bar as it is drawn now",
    make: () => barPicture(),
  },
];

function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

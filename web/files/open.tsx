// Opening a file: the button in the header, and the page as a place to drop files on.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { PaneProps } from "../app/slots.js";
import { openFiles } from "./state.js";
import "./open.css";

export const PRIVACY = "Files are read here, in your browser. Nothing is sent anywhere.";

export function OpenButton({ store }: PaneProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="button" title={PRIVACY} onClick={() => input.current?.click()}>
        Open file
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Maps, smaps, strace log, recording or trace"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = ""; // the same file may be chosen again
          void openFiles(store, files);
        }}
      />
    </>
  );
}

export function DropTarget({ store }: PaneProps) {
  const isOver = useSignal(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      isOver.value = true;
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) isOver.value = false;
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      isOver.value = false;
      void openFiles(store, [...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener("dragover", onOver);
    addEventListener("dragleave", onLeave);
    addEventListener("drop", onDrop);
    return () => {
      removeEventListener("dragover", onOver);
      removeEventListener("dragleave", onLeave);
      removeEventListener("drop", onDrop);
    };
  }, [store]);
  if (!isOver.value) return null;
  return (
    <div class="drop-target">
      <p class="drop-title">Drop maps, smaps, a strace log, a recording or a trace (.gz too)</p>
      <p class="muted">{PRIVACY} Two maps are compared.</p>
    </div>
  );
}

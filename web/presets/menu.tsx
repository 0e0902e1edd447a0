// The examples: a dialog with every log to start from.

import { useRef } from "preact/hooks";
import type { PaneProps } from "../app/slots.js";
import { type Preset, presets } from "./list.js";
import "./menu.css";

const GROUPS = ["First steps", "Real programs", "Bug reports", "Large"] as const;
const ALL = presets();
const NOTICE = "preset";

export function PresetsButton({ store }: PaneProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const choose = async (preset: Preset) => {
    dialog.current?.close();
    const abort = new AbortController();
    const cancel = () => abort.abort();
    const title = `Loading ${preset.title}`;
    store.notify({ id: NOTICE, tone: "error", title: preset.title, text: "" });
    try {
      const { start, planned } = await preset.load();
      const onProgress = (share: number) => {
        store.task.value = { title, share, cancel };
      };
      await store.load(start, planned, { signal: abort.signal, onProgress });
      store.seek(preset.cursor);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      store.notify({ id: NOTICE, tone: "error", title: "The example could not be loaded:", text });
    } finally {
      store.task.value = null;
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => dialog.current?.showModal()}>
        Examples
      </button>
      <dialog ref={dialog} class="presets" aria-labelledby="presets-title">
        <form method="dialog" class="presets-head">
          <h2 id="presets-title">Examples</h2>
          <button type="submit" class="button is-small">
            Close
          </button>
        </form>
        <div class="presets-list">
          {GROUPS.map((group) => (
            <section key={group}>
              <h3>{group}</h3>
              <ul>
                {ALL.filter((preset) => preset.group === group).map((preset) => (
                  <Item key={preset.id} preset={preset} choose={choose} />
                ))}
              </ul>
            </section>
          ))}
        </div>
      </dialog>
    </>
  );
}

interface ItemProps {
  readonly preset: Preset;
  readonly choose: (preset: Preset) => Promise<void>;
}

function Item({ preset, choose }: ItemProps) {
  const { id, title, sentence, link } = preset;
  return (
    <li class="preset">
      <button type="button" data-preset={id} onClick={() => void choose(preset)}>
        <strong>{title}</strong>
        <span class="muted">{sentence}</span>
      </button>
      {link === null ? null : (
        <a href={link} target="_blank" rel="noreferrer" aria-label={`The report of ${title}`}>
          report
        </a>
      )}
    </li>
  );
}

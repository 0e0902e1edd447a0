// The open file: what it holds, what stands out, what is at an address, what changed.

import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { whatIsAt } from "../../src/formats/maps-at.js";
import { formatMapsLine, type MapsEntry } from "../../src/formats/maps-line.js";
import { diffMaps, totals } from "../../src/formats/maps-query.js";
import type { PaneProps } from "../app/slots.js";
import type { Store } from "../app/store.js";
import { bytes, count, plural } from "../view/format.js";
import { PRIVACY } from "./open.js";
import type { FileContents, ReadProblem } from "./reading.js";
import { compared, compareWith, opened, openFiles, showLog, shownLog } from "./state.js";
import { addressOf, surveyOf } from "./survey.js";
import "./pane.css";

/** Longer lists would not be read. */
const SHOWN_LINES = 200;
const SHOWN_PROBLEMS = 20;

export function FilePane({ store }: PaneProps) {
  const contents = opened.value;
  if (contents === null) return <NoFile store={store} />;
  const { name, kind, entries, logs, problems } = contents;
  return (
    <div class="file">
      <section>
        <h3>{name}</h3>
        <p class="muted">
          {kind}: {entries.length > 0 ? plural(entries.length, "mapping") : logWords(contents)}.{" "}
          {PRIVACY}
        </p>
      </section>
      <Problems name={name} problems={problems} />
      {logs.length > 1 ? <Logs store={store} contents={contents} /> : null}
      {entries.length > 0 ? <MapFacts store={store} entries={entries} /> : null}
    </div>
  );
}

function logWords({ logs }: FileContents): string {
  const calls = logs.reduce((sum, { planned }) => sum + planned.length, 0);
  return `${plural(calls, "call")}${logs.length > 1 ? ` in ${logs.length} address spaces` : ""}`;
}

function NoFile({ store }: PaneProps) {
  return (
    <div class="file">
      <p>
        Drop a file on the page, or choose one: <span class="mono">/proc/PID/maps</span> or{" "}
        <span class="mono">smaps</span>, a log of <span class="mono">strace -f -y</span>, a
        recording or a trace of this project; <span class="mono">.gz</span> too.
      </p>
      <FilePicker words="Choose a file" take={(files) => openFiles(store, files)} />
      <p class="muted">{PRIVACY}</p>
    </div>
  );
}

interface FilePickerProps {
  readonly words: string;
  readonly take: (files: File[]) => Promise<void>;
}

function FilePicker({ words, take }: FilePickerProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <p>
      <button type="button" class="button" onClick={() => input.current?.click()}>
        {words}
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        tabIndex={-1}
        aria-label={words}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          void take(files);
        }}
      />
    </p>
  );
}

function Problems({
  name,
  problems,
}: {
  readonly name: string;
  readonly problems: readonly ReadProblem[];
}) {
  if (problems.length === 0) return null;
  return (
    <section>
      <h3>{plural(problems.length, "line")} left out</h3>
      <ul class="file-problems">
        {problems.slice(0, SHOWN_PROBLEMS).map(({ line, text }) => (
          <li key={line} class="mono">
            {name}:{line}: {text}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Logs({ store, contents }: { readonly store: Store; readonly contents: FileContents }) {
  return (
    <section>
      <h3>Address spaces</h3>
      <select
        class="field"
        aria-label="Which address space"
        value={shownLog.value}
        onChange={(event) => void showLog(store, Number(event.currentTarget.value))}
      >
        {contents.logs.map(({ title, planned }, index) => (
          <option key={`${index}`} value={index}>
            {title}: {plural(planned.length, "call")}
          </option>
        ))}
      </select>
    </section>
  );
}

function MapFacts({
  store,
  entries,
}: {
  readonly store: Store;
  readonly entries: readonly MapsEntry[];
}) {
  const sums = [...totals(entries, "kind")].sort(([, a], [, b]) => b.bytes - a.bytes);
  const { guards, writeExec } = surveyOf(entries);
  return (
    <>
      <At entries={entries} store={store} />
      <section>
        <h3>By kind</h3>
        <table class="file-totals">
          <tbody>
            {sums.map(([kind, sum]) => (
              <tr key={kind}>
                <th scope="row">{kind}</th>
                <td class="number">{count(sum.count)}</td>
                <td class="number">{bytes(sum.bytes)}</td>
                <td class="number">
                  {sum.fields["Rss"] === undefined ? "" : `${bytes(sum.fields["Rss"] * 1024)} RSS`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Found
        store={store}
        title="Writable and executable"
        none="None: no mapping is both."
        entries={writeExec}
        isBad
      />
      <Found store={store} title="Guard pages" none="None." entries={guards} />
      <Comparison store={store} entries={entries} />
    </>
  );
}

function At({ entries, store }: { readonly entries: readonly MapsEntry[]; readonly store: Store }) {
  const text = useSignal("");
  const address = useComputed(() => addressOf(text.value));
  const answer = address.value === null ? null : whatIsAt(entries, address.value);
  return (
    <section>
      <h3>What is at</h3>
      <input
        class="field mono file-at"
        type="text"
        aria-label="What is at this address"
        placeholder="0x7f…"
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          const at = addressOf(text.value);
          if (at !== null && at < 2n ** 53n) store.selected.value = Number(at);
        }}
      />
      <p class="mono file-answer" role="status">
        {answer?.text ?? (text.value.trim() === "" ? "" : "expected an address such as 0x7f12c000")}
      </p>
    </section>
  );
}

interface FoundProps {
  readonly store: Store;
  readonly title: string;
  readonly none: string;
  readonly entries: readonly MapsEntry[];
  readonly isBad?: boolean;
}

function Found({ store, title, none, entries, isBad = false }: FoundProps) {
  return (
    <section>
      <h3>
        {title}{" "}
        <span class={isBad && entries.length > 0 ? "chip is-bad" : "chip"}>{entries.length}</span>
      </h3>
      {entries.length === 0 ? <p class="muted">{none}</p> : null}
      <ul class="file-lines">
        {entries.slice(0, SHOWN_LINES).map((entry) => (
          <li key={`${entry.start}`}>
            <button
              type="button"
              class="mono"
              onClick={() => {
                store.selected.value = Number(entry.start);
              }}
            >
              {formatMapsLine(entry).trimEnd().replace(/ {2,}/, " ")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Comparison({
  store,
  entries,
}: {
  readonly store: Store;
  readonly entries: readonly MapsEntry[];
}) {
  const other = compared.value;
  const diff = useComputed(() =>
    compared.value === null ? null : diffMaps(opened.value?.entries ?? [], compared.value.entries),
  );
  if (other === null || diff.value === null || entries.length === 0) {
    return (
      <section>
        <h3>Compare</h3>
        <FilePicker
          words="Choose a later snapshot"
          take={async ([file]) => {
            if (file !== undefined) await compareWith(store, file);
          }}
        />
      </section>
    );
  }
  const { removed, added, changed } = diff.value;
  const lines = [
    ...removed.map((entry) => ({ sign: "-", entry })),
    ...added.map((entry) => ({ sign: "+", entry })),
    ...changed.flatMap(([from, to]) => [
      { sign: "-", entry: from },
      { sign: "+", entry: to },
    ]),
  ].sort((a, b) => Number(a.entry.start) - Number(b.entry.start));
  return (
    <section>
      <h3>
        {other.name}: {count(removed.length)} removed, {count(added.length)} added,{" "}
        {count(changed.length)} changed
      </h3>
      <ol class="file-diff mono">
        {lines.slice(0, SHOWN_LINES).map(({ sign, entry }) => (
          <li key={`${sign}${entry.start}`} data-sign={sign}>
            {sign} {formatMapsLine(entry).trimEnd().replace(/ {2,}/, " ")}
          </li>
        ))}
      </ol>
      {lines.length > SHOWN_LINES ? (
        <p class="muted">and {count(lines.length - SHOWN_LINES)} more lines</p>
      ) : null}
    </section>
  );
}

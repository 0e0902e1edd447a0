// The author's view: six lines of TypeScript, what they print, and the way to one's own project.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Editor } from "./editor.js";
import { EXAMPLES } from "./examples.js";
import { type Ending, type Printed, runSnippet } from "./run.js";
import "./snippet.css";

const INSTALL = "npm install vmaple";
const COPIED_MS = 1500;

/** The draft outlives the view: the reader may look at the map meanwhile. */
let draft = EXAMPLES[0]!.source;

export default function SnippetPane() {
  const source = useSignal(draft);
  const prints = useSignal<readonly Printed[]>([]);
  const ending = useSignal<Ending | null>(null);
  const abort = useSignal<AbortController | null>(null);
  useEffect(() => () => abort.peek()?.abort(), []);

  const edit = (text: string) => {
    draft = text;
    source.value = text;
  };
  const run = async () => {
    abort.value?.abort();
    const controller = new AbortController();
    abort.value = controller;
    prints.value = [];
    ending.value = null;
    const ended = await runSnippet(source.value, controller.signal, (printed) => {
      if (abort.peek() === controller) prints.value = [...prints.value, printed];
    });
    if (abort.peek() !== controller) return; // it was started anew
    abort.value = null;
    ending.value = ended;
  };
  const badLine = ending.value?.kind === "failed" ? ending.value.line : null;
  return (
    <div class="snippet">
      <section class="card snippet-code" aria-labelledby="snippet-code-title">
        <div class="card-head">
          <h2 id="snippet-code-title">Code</h2>
          <label class="snippet-examples">
            <span class="visually-hidden">Example</span>
            <select
              class="field"
              onChange={({ currentTarget }) => {
                edit(EXAMPLES[currentTarget.selectedIndex]!.source);
                ending.value = null;
                prints.value = [];
              }}
            >
              {EXAMPLES.map(({ title }) => (
                <option key={title}>{title}</option>
              ))}
            </select>
          </label>
          <span class="spacer" />
          {abort.value === null ? (
            <button
              type="button"
              class="button is-primary"
              title="Ctrl+Enter"
              onClick={() => void run()}
            >
              Run
            </button>
          ) : (
            <button type="button" class="button" onClick={() => abort.value?.abort()}>
              Stop
            </button>
          )}
        </div>
        <Editor source={source.value} badLine={badLine} onChange={edit} onRun={() => void run()} />
      </section>
      <section class="card snippet-result" aria-labelledby="snippet-result-title">
        <div class="card-head">
          <h2 id="snippet-result-title">Result</h2>
          <span class="spacer" />
          <EndingChip running={abort.value !== null} ending={ending.value} />
        </div>
        <Result prints={prints} ending={ending.value} running={abort.value !== null} />
      </section>
      <section class="card snippet-project" aria-labelledby="snippet-project-title">
        <div class="card-head">
          <h2 id="snippet-project-title">In your own project</h2>
          <span class="spacer" />
          <CopyButton words="Copy the code" text={source.value} />
        </div>
        <p class="snippet-line">
          <code>{INSTALL}</code>
          <CopyButton words="Copy" text={INSTALL} />
        </p>
        <p class="snippet-note">
          The code runs as it stands, in Node 20 and in browsers. To share the engine with workers
          leave out <code>shared: false</code>; a page then has to be served with{" "}
          <code>Cross-Origin-Opener-Policy: same-origin</code> and{" "}
          <code>Cross-Origin-Embedder-Policy: require-corp</code>.
        </p>
      </section>
    </div>
  );
}

interface ResultProps {
  readonly prints: Signal<readonly Printed[]>;
  readonly ending: Ending | null;
  readonly running: boolean;
}

function Result({ prints, ending, running }: ResultProps) {
  const nothing = prints.value.length === 0 && ending === null && !running;
  return (
    <div class="snippet-output" role="log" aria-label="What the code printed">
      {nothing ? <p class="empty">Run the code to see what it prints.</p> : null}
      {prints.value.map(({ text, isError }, i) => (
        <pre key={i} class={isError ? "is-error" : ""}>
          {text}
        </pre>
      ))}
      {ending?.kind === "done" && prints.value.length === 0 ? (
        <p class="empty">It printed nothing: console.log shows values here.</p>
      ) : null}
      {ending?.kind === "failed" ? (
        <p class="snippet-error" role="alert">
          {ending.line === null ? "" : `Line ${ending.line}: `}
          {ending.message}
        </p>
      ) : null}
      {ending?.kind === "stopped" ? (
        <p class="snippet-error" role="alert">
          {ending.message}
        </p>
      ) : null}
    </div>
  );
}

function EndingChip({ running, ending }: { running: boolean; ending: Ending | null }) {
  if (running) return <span class="chip">running …</span>;
  if (ending === null) return null;
  if (ending.kind === "done") return <span class="chip is-good">{Math.round(ending.ms)} ms</span>;
  return <span class="chip is-bad">{ending.kind}</span>;
}

function CopyButton({ words, text }: { readonly words: string; readonly text: string }) {
  const said = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
    } catch {
      said.value = "The browser forbids it";
    }
    setTimeout(() => {
      said.value = "";
    }, COPIED_MS);
  };
  return (
    <button type="button" class="button is-small" onClick={() => void copy()}>
      {said.value || words}
    </button>
  );
}

// The predict card: what will the map show after the next call? Choose, check, go on.

import { useComputed, useSignal } from "@preact/signals";
import type { PaneProps } from "../app/slots.js";
import { straceLine } from "../log/lines.js";
import { bytes } from "../view/format.js";
import { kindOfPerms } from "../view/kinds.js";
import { sentenceOf } from "../why/sentence.js";
import { type Answer, type Question, questionOf } from "./question.js";
import "./predict.css";

interface Checked {
  /** The cursor after the call. */
  readonly index: number;
  readonly question: Question;
  readonly chosen: number;
}

export function Predict({ store }: PaneProps) {
  const chosen = useSignal<number | null>(null);
  const checked = useSignal<Checked | null>(null);
  const question = useComputed(() => (store.moment.value.passing ? null : questionOf(store)));
  const done = checked.value?.index === store.cursor.value ? checked.value : null;
  const asked = done?.question ?? question.value;
  if (asked === null) {
    return (
      <p class="empty">
        {store.cursor.value === store.entries.value.length
          ? "The log ends here. Go back some steps, or make a call, and predict it."
          : "The next call changes too much to be asked about. Step on."}
      </p>
    );
  }
  const check = () => {
    if (chosen.value === null) return;
    const index = store.cursor.value + 1;
    checked.value = { index, question: asked, chosen: chosen.value };
    chosen.value = null;
    store.seek(index);
  };
  return (
    <form
      class="predict"
      onSubmit={(event) => {
        event.preventDefault();
        if (done === null) check();
        else checked.value = null;
      }}
    >
      <p>
        {done === null ? "The next call of the log. What will the map show here?" : "The call was"}
      </p>
      <p class="predict-call mono">{callWords(asked)}</p>
      <fieldset class="predict-answers" disabled={done !== null}>
        <legend class="visually-hidden">Answers</legend>
        {asked.answers.map((answer, i) => (
          <label key={i} class={`predict-answer ${done === null ? "" : markOf(done, i)}`}>
            <input
              type="radio"
              name="prediction"
              checked={(done?.chosen ?? chosen.value) === i}
              onChange={() => {
                chosen.value = i;
              }}
            />
            <AnswerPicture answer={answer} />
          </label>
        ))}
      </fieldset>
      <p class="predict-verdict" role="status">
        {done === null ? (
          ""
        ) : (
          <>
            <strong class={done.chosen === asked.right ? "is-right" : "is-wrong"}>
              {done.chosen === asked.right ? "Right." : "Not so."}
            </strong>{" "}
            {sentenceOf(store.moment.value, store.machine).text}
          </>
        )}
      </p>
      <button
        type="submit"
        class="button is-primary"
        disabled={done === null && chosen.value === null}
      >
        {done === null ? "Check" : "Next question"}
      </button>
    </form>
  );
}

function AnswerPicture({ answer: { errno, pieces } }: { readonly answer: Answer }) {
  return (
    <span class="predict-picture">
      {errno === null ? null : <span class="chip is-bad">{errno}</span>}
      <span class="predict-pieces">
        {pieces.length === 0 ? <span class="muted">nothing mapped</span> : null}
        {pieces.map(({ start, end, perms, name }, i) => (
          <span
            key={start}
            class={`predict-piece ${i > 0 && pieces[i - 1]!.end < start ? "is-apart" : ""}`}
            style={{ flexGrow: 1 + Math.log2((end - start) / 4096) }}
            title={`${start.toString(16)}-${end.toString(16)} ${perms} ${name}`}
          >
            <i class={`swatch is-${kindOfPerms(perms)}`} />
            <span class="mono">{perms}</span>
            <span class="muted">{bytes(end - start)}</span>
          </span>
        ))}
      </span>
    </span>
  );
}

/** Without the result, which would tell. */
function callWords({ entry }: Question): string {
  return straceLine(entry).replace(/\s*= [^=]*$/, "");
}

function markOf({ question, chosen }: Checked, i: number): string {
  if (i === question.right) return "is-right";
  return i === chosen ? "is-wrong" : "is-other";
}

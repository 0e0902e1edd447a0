// The editor: CodeMirror with what six lines need, in the page's own colours.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "preact/hooks";

export interface EditorProps {
  readonly source: string;
  /** The line to mark; null: none. Goes away when the reader types. */
  readonly badLine: number | null;
  readonly onChange: (source: string) => void;
  readonly onRun: () => void;
}

const setBadLine = StateEffect.define<number | null>();
const badLineMark = Decoration.line({ class: "snippet-bad-line" });

const badLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { effects, docChanged, state }) {
    for (const effect of effects) {
      if (!effect.is(setBadLine)) continue;
      if (effect.value === null || effect.value > state.doc.lines) return Decoration.none;
      return Decoration.set([badLineMark.range(state.doc.line(effect.value).from)]);
    }
    return docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: tags.comment, color: "var(--muted)" },
  { tag: tags.typeName, color: "var(--bad)" },
]);

export function Editor({ source, badLine, onChange, onRun }: EditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, onRun });
  latest.current = { onChange, onRun };
  useEffect(() => {
    const run = () => {
      latest.current.onRun();
      return true;
    };
    const made = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: source,
        extensions: [
          lineNumbers(),
          history(),
          bracketMatching(),
          javascript({ typescript: true }),
          syntaxHighlighting(colours),
          badLines,
          // Tab leaves the editor, as it leaves any field.
          keymap.of([{ key: "Mod-Enter", run }, ...defaultKeymap, ...historyKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Code in TypeScript" }),
          EditorView.updateListener.of(({ docChanged, state }) => {
            if (docChanged) latest.current.onChange(state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const { current } = view;
    if (current === null || current.state.doc.toString() === source) return;
    const changes = { from: 0, to: current.state.doc.length, insert: source };
    current.dispatch({ changes });
  }, [source]);
  useEffect(() => {
    view.current?.dispatch({ effects: setBadLine.of(badLine) });
  }, [badLine]);
  return <div ref={box} class="snippet-editor" />;
}

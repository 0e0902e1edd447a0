// The command line: a form, a usage line, a log of calls and answers.

import { MmError, type MmWithUser } from "../../../src/index.js";
import { byId, html, setText } from "../view/dom.js";
import { type Answer, execute } from "./execute.js";
import { CommandError, parseCommand, USAGE, verbOf } from "./parse.js";

const LOG_LENGTH = 50;

export class CommandLine {
  readonly #input = byId("command", HTMLInputElement);
  readonly #usage = byId("command-usage", HTMLElement);
  readonly #log = byId("log", HTMLOListElement);
  readonly #mm: MmWithUser;
  readonly #done: (answer: Answer) => void;
  readonly #history: string[] = [];
  /** Place in the history; its length is the line being written. */
  #at = 0;
  #last: number | null = null;

  /** @param done told of each call that was made, after it is in the log */
  constructor(mm: MmWithUser, done: (answer: Answer) => void) {
    this.#mm = mm;
    this.#done = done;
    byId("command-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => this.#onKey(event));
    this.#input.addEventListener("input", () => this.#showUsage());
    byId("examples", HTMLElement).addEventListener("click", (event) => {
      const example = (event.target as HTMLElement).closest("button")?.textContent;
      if (example) this.propose(example);
    });
    this.#showUsage();
  }

  /** Puts a command into the line, for the reader to change or to send. */
  propose(command: string): void {
    this.#input.value = command;
    this.#input.focus();
    this.#showUsage();
  }

  async #submit(): Promise<void> {
    const line = this.#input.value.trim();
    if (line === "") return;
    if (this.#history.at(-1) !== line) this.#history.push(line);
    this.#at = this.#history.length;
    try {
      const command = parseCommand(line, this.#last);
      this.#input.value = ""; // a line with a typo stays, to be mended
      this.#showUsage();
      const answer = await execute(this.#mm, command);
      if (command.verb === "mmap") this.#last = answer.address;
      this.#write(line, answer.ok ? "ok" : "signal", "", answer.line, answer.note);
      this.#done(answer);
    } catch (error) {
      this.#writeError(line, error);
    }
  }

  #writeError(line: string, error: unknown): void {
    if (error instanceof MmError) {
      const text = error.message.replace(`${error.code}: `, "");
      this.#write(line, "error", error.code, text, "");
    } else if (error instanceof CommandError) {
      this.#write(line, "error", "syntax", error.message, "");
    } else {
      this.#write(line, "error", error instanceof Error ? error.name : "error", String(error), "");
    }
  }

  /** @param badge the errno's name, or what else went wrong; empty if nothing did */
  #write(line: string, state: string, badge: string, text: string, note: string): void {
    const item = html("li", `log-entry is-${state}`);
    item.dataset["state"] = state;
    item.append(html("code", "log-command", line));
    const answer = html("p", "log-answer");
    if (badge !== "") answer.append(html("strong", "log-code", badge), " ");
    answer.append(html("span", "log-text", text));
    if (note !== "") answer.append(" ", html("span", "log-note", note));
    item.append(answer);
    this.#log.prepend(item);
    while (this.#log.children.length > LOG_LENGTH) this.#log.lastElementChild?.remove();
    this.#log.scrollTop = 0;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const next = this.#at + (event.key === "ArrowUp" ? -1 : 1);
    if (next < 0 || next > this.#history.length) return;
    this.#at = next;
    this.#input.value = this.#history[next] ?? "";
    this.#showUsage();
  }

  #showUsage(): void {
    const verb = verbOf(this.#input.value);
    setText(this.#usage, verb === null ? Object.keys(USAGE).join("  ·  ") : USAGE[verb]);
  }
}

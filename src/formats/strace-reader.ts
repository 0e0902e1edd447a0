// strace logs -> the rows of a trace: memory calls with their
// results, and who got whose address space. Pure.
//
// Rows come in the order in which calls returned, as in a trace. Calls of no interest
// are passed over; of descriptors so much is followed that a mapping's file has a name.

import type { Address } from "../address.js";
import { LineReader } from "./lines.js";
import {
  descriptorOf,
  resultOf,
  type StraceCall,
  splitCall,
  splitPrefix,
  stringOf,
} from "./strace-line.js";
import { CLONE_FILES, CLONE_THREAD, CLONE_VM, SET_VMA, wordOf } from "./strace-words.js";
import { TRACE_ARGUMENTS, type TraceCallName, type TraceEvent, type TraceRow } from "./trace.js";

/** A process: what its threads share. */
interface Process {
  readonly pid: number;
  readonly files: Map<number, string>;
}

interface Task {
  readonly process: Process;
  /** A call that has not returned: its line so far. */
  pending: string;
  /** The child of such a call, where its lines come first. */
  child: number;
}

const CALL = /^(\w+)(\(.*)/s;
const RESUMED = /^<\.\.\. \w+ resumed>\s*/;
const UNFINISHED = /\s*<(?:unfinished|pid changed to \d+|detached) \.\.\.>$/;
const GONE = /^\+\+\+ (?:exited|killed|superseded\D+(\d+)).* \+\+\+$/;
const ATTACHED = /^(.*?)(?:strace: )?Process (\d+) attached/s;
/** Nothing that a map could show: signals, notes, and the stacks of -k. */
const SILENT = /^(--- .* ---|((\[ )?Process|strace:|\?\?\?| > ).*|\s*)$/s;

/** Of no memory, but of spaces or, captured, of descriptors. */
const OTHER =
  /^(?:clone.?|v?fork|execve(?:at)?|(open(?:at2?)?|creat|memfd_create|close|dup[23]?))$/;
/** Arguments of no matter, by call and place: no replay makes it, or the kernel wrote there. */
const UNREAD = /^(prctl|mbind|set_mempolicy|shm|mincore 2)/;
/** Bytes: the smallest page that any Linux has. */
const PAGE = 4096n;

/** Reads a log in pieces: `push` until the end, then `end`. */
export class StraceReader extends LineReader<TraceRow> {
  /** Memory calls of which the log has no result. */
  unanswered = 0;
  /** The line in the middle of which the log ends, counted from 1; 0 if it is whole. */
  truncated = 0;

  readonly #tasks = new Map<number, Task>();
  /** The number of the first thread, where lines tell it only later. */
  #first = 0;
  /** Children that strace told of before their parent's call returned. */
  readonly #announced = new Set<number>();
  /** Lines say who: children are seen. */
  #hasPids = false;
  /** A line into which strace wrote that a child was attached. */
  #cut: { readonly tid: number; readonly text: string } | null = null;

  protected override readLine(line: string): void {
    const { tid, text } = splitPrefix(line);
    const [, before, child] = ATTACHED.exec(text) ?? [];
    const cut = this.#cut;
    this.#cut = null;
    if (child !== undefined) {
      this.#hasPids = true;
      this.#announced.add(Number(child));
      if (before !== "") this.#cut = { tid: this.#tidOf(tid), text: before! };
    } else if (cut !== null) {
      // Its end is on a line of its own, and nothing says whose.
      this.#event(cut.tid, cut.text + line);
    } else {
      this.#event(tid, text);
    }
  }

  protected override finish(): void {
    for (const { pending } of this.#tasks.values()) {
      if (memoryCall(pending.split("(")[0]!) !== null) this.unanswered++;
    }
  }

  #event(given: number, text: string): void {
    if (SILENT.test(text)) return;
    if (![RESUMED, GONE, CALL].some((known) => known.test(text))) {
      this.#refuse("a line of strace", text);
      return;
    }
    const tid = this.#tidOf(given);
    const task = this.#taskOf(tid);
    const gone = GONE.exec(text);
    if (gone !== null) {
      this.#gone(tid, task, Number(gone[1]));
      return;
    }
    const whole = text.replace(RESUMED, () => task.pending);
    const call = whole.replace(UNFINISHED, "");
    task.pending = call === whole ? "" : call;
    // What lacks its beginning was called before the log began.
    if (call === whole && CALL.test(whole)) this.#call(tid, task, whole);
  }

  /** A wrong line; the last one may only be cut. */
  #refuse(expected: string, text: string): void {
    if (this.isLast) this.truncated = this.line;
    else this.wrong(expected, text);
  }

  #tidOf(given: number): number {
    const tasks = this.#tasks;
    // strace leaves the number out while there is one thread only.
    if (given === 0) return tasks.keys().next().value ?? 0;
    this.#hasPids = true;
    // The one that had no number so far.
    if (tasks.has(0) && !tasks.has(given) && !this.#announced.has(given)) this.#first ||= given;
    return given === this.#first ? 0 : given;
  }

  /** The task of a line; a new one is the child of the call that has not returned yet. */
  #taskOf(tid: number): Task {
    const known = this.#tasks.get(tid);
    if (known !== undefined) return known;
    for (const parent of this.#tasks.values()) {
      if (!parent.child && /^(clone|v?fork)/.test(parent.pending)) {
        parent.child = tid;
        return this.#born(tid, parent.process, parent.pending);
      }
    }
    return this.#add(tid, { pid: tid, files: new Map() });
  }

  #add(tid: number, process: Process): Task {
    const task = { process, pending: "", child: 0 };
    this.#tasks.set(tid, task);
    return task;
  }

  #born(tid: number, parent: Process, call: string): Task {
    this.#announced.delete(tid);
    const flags = flagsOf(call);
    if ((flags & CLONE_THREAD) !== 0) return this.#add(tid, parent);
    this.#push((flags & CLONE_VM) !== 0 ? "vfork" : "fork", parent.pid, tid);
    const files = (flags & CLONE_FILES) !== 0 ? parent.files : new Map(parent.files);
    return this.#add(tid, { pid: tid, files });
  }

  #push(kind: TraceEvent["kind"], pid: number, child = 0): void {
    this.rows.push({ kind, line: this.line, pid, child });
  }

  #gone(tid: number, task: Task, successor: number): void {
    const tasks = this.#tasks;
    const heir = tasks.get(successor);
    // Another thread made an exec, and goes on under this number.
    if (heir !== undefined) task.pending = heir.pending;
    tasks.delete(heir === undefined ? tid : successor);
    const { process } = task;
    if ([...tasks.values()].every((other) => other.process !== process)) {
      this.#push("end", process.pid);
    }
  }

  #call(tid: number, task: Task, text: string): void {
    const [, name, rest] = CALL.exec(text) as RegExpExecArray & [string, string, string];
    const op = memoryCall(name);
    const other = OTHER.exec(name);
    if (op === null && other === null) return;
    const call = splitCall(rest);
    const result = resultOf(call?.result);
    if (call === null || result === undefined) {
      this.#refuse(`${name}(...) = its result`, text);
    } else if (op !== null) {
      if (result === "?") this.unanswered++;
      else this.#memory(tid, task, op, call, result, text);
    } else if (typeof result !== "string") {
      if (other?.[1]) descriptor(task.process.files, name, call, Number(result));
      else if (name.startsWith("exec")) this.#push("exec", task.process.pid);
      else {
        if (this.#hasPids && result !== task.child) {
          this.#born(Number(result), task.process, text);
        }
        task.child = 0;
      }
    }
  }

  #memory(
    tid: number,
    { process: { pid, files } }: Task,
    op: TraceCallName,
    { args, result: told }: StraceCall,
    result: Address | string,
    text: string,
  ): void {
    const words: Address[] = [];
    let file = "";
    for (let n = 0; n < TRACE_ARGUMENTS[op]; n++) {
      const argument = args[n] ?? "0";
      const place = `${op} ${n}`;
      let word = wordOf(argument);
      if (place === "mmap 4") {
        const { number, path } = descriptorOf(argument);
        word = number;
        // Without a name: opened before the log began, or by a call that was not logged.
        if (number >= 0 && result !== "EBADF") file = path ?? files.get(number) ?? `[fd ${number}]`;
      } else if (UNREAD.test(place)) {
        file = stringOf(argument) ?? "";
        word ??= 0;
      }
      if (word === undefined) {
        this.#refuse(`known flags in ${op}`, text);
        return;
      }
      words.push(word);
    }
    if (op.endsWith("map") && typeof result !== "string" && BigInt(result) % PAGE !== 0n) {
      this.#refuse(`the page that ${op} returned`, told);
    } else if (op !== "prctl" || words[0] === SET_VMA) {
      this.rows.push({ kind: "call", line: this.line, pid, tid, op, args: words, file, result });
    }
  }
}

/** What a descriptor is open on from now on. */
function descriptor(
  files: Map<number, string>,
  name: string,
  { args, result }: StraceCall,
  number: number,
): void {
  const first = descriptorOf(args[0]).number;
  let path = descriptorOf(result).path;
  if (name === "memfd_create") path ??= `/memfd:${stringOf(args[0])} (deleted)`;
  path ??= name.startsWith("dup") ? files.get(first) : stringOf(args[/nat/.test(name) ? 1 : 0]);
  files.delete(name === "close" ? first : number);
  if (path !== undefined) files.set(number, path);
}

/** The call of a trace that this is; null if it is none of memory. */
function memoryCall(name: string): TraceCallName | null {
  const op = name.includes("mmap") ? "mmap" : name; // mmap2, old_mmap
  return Object.hasOwn(TRACE_ARGUMENTS, op) ? (op as TraceCallName) : null;
}

/** Of clone3's structure in memory strace may not have told: glibc makes what shares by it. */
function flagsOf(call: string): number {
  const [, flags] = /\bflags=([^,})]*)/.exec(call) ?? /^clone2?\(([^,]*)/.exec(call) ?? [];
  if (flags === undefined) return /^(vf|clone3)/.test(call) ? CLONE_VM : 0;
  return Number(wordOf(flags, 0)); // names of no interest count nothing
}

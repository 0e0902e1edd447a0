// The lock timeline: one lane a racer, what it held and waited for, over a short time.

import { theme } from "../app/theme.js";
import { Canvas } from "../view/canvas.js";
import { LockState } from "./board.js";
import { resolved } from "./modes.js";
import type { Recording } from "./run.js";
import { type Span, sharesOf, spansOf } from "./spans.js";

/** Something that happened to all, or the death of one racer. */
export interface Mark {
  /** Milliseconds, as in the recording. */
  readonly at: number;
  readonly label: string;
}

export interface LanesProps {
  readonly title: string;
  readonly recording: Recording;
  readonly death?: { readonly racer: number; readonly at: number };
  readonly marks?: readonly Mark[];
}

/** How each state looks; a wait is hatched. `key`: of the legend's class names. */
const LOOKS: readonly { states: LockState[]; token: string; hatched: boolean; words: string }[] = [
  {
    states: [LockState.HOLD_VMA],
    token: "--kind-write",
    hatched: false,
    words: "holds a VMA lock",
  },
  {
    states: [LockState.HOLD_READ],
    token: "--kind-read",
    hatched: false,
    words: "holds the mmap lock, reading",
  },
  {
    states: [LockState.HOLD_WRITE],
    token: "--kind-write-exec",
    hatched: false,
    words: "holds the mmap lock, writing",
  },
  {
    states: [LockState.WAIT_VMA],
    token: "--kind-write-exec",
    hatched: true,
    words: "… and waits for a VMA’s reader",
  },
  {
    states: [LockState.WAIT_READ, LockState.WAIT_WRITE],
    token: "--warn",
    hatched: true,
    words: "waits for the mmap lock",
  },
];

const LANE_PX = 22;
const AXIS_PX = 20;
const LABEL_PX = 58;
const SHARE_PX = 92;
const DEAD_PX = 4;

export function Lanes({ title, recording, death, marks = [] }: LanesProps) {
  const { from, to, lanes } = recording;
  const spans = lanes.map((lane, n) =>
    spansOf(lane, from, to, death?.racer === n ? death.at : undefined),
  );
  theme.value; // colours are read while painting
  const paint = (context: CanvasRenderingContext2D, width: number) =>
    paintLanes(context, width, spans, { from, to, marks });
  return (
    <figure class="race-lanes">
      <figcaption>{title}</figcaption>
      <div role="img" aria-label={labelOf(title, spans)}>
        <div style={{ height: `${spans.length * LANE_PX + AXIS_PX}px` }}>
          <Canvas class="race-canvas" paint={paint} />
        </div>
      </div>
    </figure>
  );
}

export function LanesLegend() {
  return (
    <ul class="race-legend" aria-label="States of a worker">
      {LOOKS.map(({ token, hatched, words }) => (
        <li key={words}>
          <i class={hatched ? "is-hatched" : ""} style={{ "--swatch": `var(${token})` }} />
          {words}
        </li>
      ))}
    </ul>
  );
}

function labelOf(title: string, lanes: readonly (readonly Span[])[]): string {
  const parts = lanes.map((spans, n) => {
    const { waiting, holding } = sharesOf(spans);
    return `worker ${n} waits ${percent(waiting)} and holds a lock ${percent(holding)} of the time`;
  });
  return `${title}: ${parts.join("; ")}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

interface Frame {
  readonly from: number;
  readonly to: number;
  readonly marks: readonly Mark[];
}

function paintLanes(
  context: CanvasRenderingContext2D,
  width: number,
  lanes: readonly (readonly Span[])[],
  { from, to, marks }: Frame,
): void {
  const { canvas } = context;
  const colour = (token: string) => resolved(canvas, token);
  const looks = LOOKS.map((look) => ({ ...look, fill: fillOf(context, look, colour(look.token)) }));
  const [line, muted, ink, bad] = ["--line", "--muted", "--ink", "--bad"].map(colour) as [
    string,
    string,
    string,
    string,
  ];
  const right = width - SHARE_PX;
  const x = (at: number) => LABEL_PX + ((at - from) / (to - from)) * (right - LABEL_PX);
  context.clearRect(0, 0, width, lanes.length * LANE_PX + AXIS_PX);
  context.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = "middle";
  lanes.forEach((spans, n) => {
    const top = n * LANE_PX;
    const middle = top + LANE_PX / 2;
    context.fillStyle = muted;
    context.textAlign = "left";
    context.fillText(`worker ${n}`, 0, middle);
    context.textAlign = "right";
    context.fillText(`waits ${percent(sharesOf(spans).waiting)}`, width, middle);
    context.fillStyle = line;
    context.fillRect(LABEL_PX, middle - 0.5, right - LABEL_PX, 1);
    for (const span of spans) {
      const look = looks.find(({ states }) => states.includes(span.state));
      const [a, b] = [x(span.from), x(span.to)];
      if (look !== undefined) {
        context.fillStyle = look.fill;
        context.fillRect(a, top + 4, Math.max(0.75, b - a), LANE_PX - 8);
      } else if (span.state === LockState.DEAD) {
        paintDeath(context, a, middle, bad);
      }
    }
  });
  paintAxis(context, lanes.length * LANE_PX, { x, from, to, marks, muted, ink });
}

/** A cross, and nothing after it. */
function paintDeath(context: CanvasRenderingContext2D, x: number, y: number, bad: string): void {
  context.strokeStyle = bad;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x - DEAD_PX, y - DEAD_PX);
  context.lineTo(x + DEAD_PX, y + DEAD_PX);
  context.moveTo(x - DEAD_PX, y + DEAD_PX);
  context.lineTo(x + DEAD_PX, y - DEAD_PX);
  context.stroke();
}

interface Axis extends Frame {
  readonly x: (at: number) => number;
  readonly muted: string;
  readonly ink: string;
}

function paintAxis(
  context: CanvasRenderingContext2D,
  top: number,
  { x, from, to, marks, muted, ink }: Axis,
): void {
  const middle = top + AXIS_PX / 2 + 2;
  context.fillStyle = muted;
  if (marks.length === 0) {
    context.textAlign = "left";
    context.fillText("0 ms", x(from), middle);
    context.textAlign = "right";
    context.fillText(`${Math.round(to - from)} ms`, x(to), middle);
  }
  context.textAlign = "center";
  for (const { at, label } of marks) {
    context.fillStyle = ink;
    context.fillRect(x(at) - 0.5, 0, 1, top + 2);
    context.fillText(label, x(at), middle);
  }
}

function fillOf(
  context: CanvasRenderingContext2D,
  { hatched }: { readonly hatched: boolean },
  colour: string,
): string | CanvasPattern {
  if (!hatched) return colour;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d")!;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.75;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift - 1, 7);
    pen.lineTo(shift + 7, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? colour;
}

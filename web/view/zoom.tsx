// The buttons that zoom a picture, beside its title; keys do the same.

import type { ComponentChild } from "preact";
import { FitIcon, MinusIcon, PlusIcon } from "./icons.js";

export const ZOOM_STEP = 2;

interface ZoomProps {
  /** What the buttons are called: out, in, all. */
  readonly names?: readonly [string, string, string];
  /** Above 1 zooms out. */
  readonly zoom: (factor: number) => void;
  readonly showAll: () => void;
  /** All is shown. */
  readonly isWhole: boolean;
}

const NAMES = ["Zoom out", "Zoom in", "Show all"] as const;

export function ZoomButtons({ names = NAMES, zoom, showAll, isWhole }: ZoomProps) {
  const [out, into, all] = names;
  return (
    <div class="zoom">
      <Button name={out} title="Zoom out (-)" act={() => zoom(ZOOM_STEP)} off={isWhole}>
        <MinusIcon />
      </Button>
      <Button name={into} title="Zoom in (+)" act={() => zoom(1 / ZOOM_STEP)}>
        <PlusIcon />
      </Button>
      <Button name={all} title="Show all (0)" act={showAll} off={isWhole}>
        <FitIcon />
      </Button>
    </div>
  );
}

interface ButtonProps {
  readonly name: string;
  readonly title: string;
  readonly act: () => void;
  readonly off?: boolean;
  readonly children: ComponentChild;
}

function Button({ name, title, act, off = false, children }: ButtonProps) {
  return (
    <button
      type="button"
      class="button is-icon is-small"
      title={title}
      onClick={act}
      disabled={off}
    >
      {children}
      <span class="visually-hidden">{name}</span>
    </button>
  );
}

// The buttons that zoom a picture, beside its title; keys do the same.

import { IconButton } from "./icon-button.js";
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
      <IconButton
        kind="is-small"
        name={out}
        title="Zoom out (-)"
        onClick={() => zoom(ZOOM_STEP)}
        disabled={isWhole}
      >
        <MinusIcon />
      </IconButton>
      <IconButton
        kind="is-small"
        name={into}
        title="Zoom in (+)"
        onClick={() => zoom(1 / ZOOM_STEP)}
      >
        <PlusIcon />
      </IconButton>
      <IconButton
        kind="is-small"
        name={all}
        title="Show all (0)"
        onClick={showAll}
        disabled={isWhole}
      >
        <FitIcon />
      </IconButton>
    </div>
  );
}

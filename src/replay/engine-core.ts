// The raw plane under an engine, for replays: they drive exports, not handles.

import type { Core } from "../core.js";
import type { Engine } from "../engine.js";

export function coreOf(engine: Engine): Core {
  return engine.context.core;
}

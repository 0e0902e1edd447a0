// The commands there are.

import type { Command } from "./command.js";
import { replayCommand } from "./replay.js";

export const commands: readonly Command[] = [replayCommand];

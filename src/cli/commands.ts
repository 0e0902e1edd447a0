// The commands there are.

import { benchCommand } from "./bench.js";
import type { Command } from "./command.js";
import { mapsCommand } from "./maps.js";
import { replayCommand } from "./replay.js";

export const commands: readonly Command[] = [replayCommand, mapsCommand, benchCommand];

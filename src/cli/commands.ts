// The commands there are.

import type { Command } from "./command.js";
import { mapsCommand } from "./maps.js";
import { replayCommand } from "./replay.js";

export const commands: readonly Command[] = [replayCommand, mapsCommand];

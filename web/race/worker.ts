// A worker of the race: one racer, told what to do through comlink.

import { expose } from "../../src/comlink.js";
import { Racer } from "./racer.js";

void expose(new Racer());

// A crew worker: attaches to the page's engine and does one job at a time.

import { exposeWorker } from "../../src/comlink.js";
import { CrewMember } from "./member.js";

exposeWorker((engine) => new CrewMember(engine, "message"));

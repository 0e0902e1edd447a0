// The main job: `npm start`.

import { parseCommandLine, UsageError } from "./cli/command.js";
import { packageVersion } from "./cli/version.js";
import { runMainJob } from "./main-job/job.js";

const HELP = `The main job: replays the committed trace of a real program, again and again, while
fault workers touch the same address space through per-VMA locks.

Usage: npm start -- [--seconds N] [--trace FILE] [--help] [--version]

Exit status: 0 nothing differed from Linux, 1 something did, 2 bad usage or unreadable input.
`;

async function main(argv: readonly string[]): Promise<number> {
  const options = {
    seconds: { type: "string", default: "3" },
    trace: { type: "string" },
  } as const;
  const { values } = parseCommandLine(argv, options);
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) {
    throw new UsageError(`--seconds must be a number above 0, not "${values.seconds}"`);
  }
  if (!values.help && !values.version) return runMainJob({ seconds, trace: values.trace });
  process.stdout.write(values.help ? HELP : `${packageVersion()}\n`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // An InputError comes from the writer's thread: its name and message, not its class.
  const isInput = error instanceof Error && error.name === "InputError";
  if (!isInput && !(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

// `vmaple bench`: the benchmarks of the repository, in a process of their own.
//
// They are not part of the package: they compare with peers that nobody should have to install.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, parseCommandLine, UsageError, wholeNumber } from "./command.js";
import { packageVersion } from "./version.js";

const NAME = "bench";
const MAX_WORKERS = 32;
/** From the program's place in the repository: dist/src/cli/bench.js. */
const RUNNER = fileURLToPath(new URL("../../../bench/run.mjs", import.meta.url));

const HELP = `vmaple bench: measures vmaple beside its peers.

Usage: vmaple bench [options] [NAME...]

NAME is a row of the figures, as index, space or locks; default all. npm run bench -- --help
says what each measures, and has more options. Needs a checkout of the repository with its
development packages: the package itself has no benchmarks.

Options:
  --workers N  most workers, 1 to ${MAX_WORKERS}; default 4
  --only WORDS implementations whose name contains one of these, comma-separated
  --quick      seconds: small and once; the times mean nothing, only checksums count
  --json       one JSON document instead of text
  --help       this text
  --version    the version of the package

Exit status: 0 all is well, 1 results differ between implementations, 2 bad usage, or no
benchmarks here.

Examples:
  vmaple bench --quick
  vmaple bench locks --workers 2 --json
`;

const OPTIONS = {
  workers: { type: "string" },
  only: { type: "string" },
  quick: { type: "boolean" },
  json: { type: "boolean" },
} as const;

export const benchCommand: Command = {
  name: NAME,
  summary: "the benchmarks of the repository",
  async run(argv) {
    const { values, positionals } = parseCommandLine(argv, OPTIONS, NAME);
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    if (values.version) {
      process.stdout.write(`${packageVersion()}\n`);
      return 0;
    }
    const args = [...positionals];
    if (values.workers !== undefined) {
      const range = { option: "--workers", least: 1, most: MAX_WORKERS };
      args.push("--workers", `${wholeNumber(values.workers, range, NAME)}`);
    }
    if (values.only !== undefined) args.push("--only", values.only);
    if (values.quick) args.push("--quick");
    if (!existsSync(RUNNER)) {
      throw new UsageError("no benchmarks here: they are in the repository, not the package", NAME);
    }
    return values.json ? runForJson(args) : run(args, "inherit");
  },
};

/** The document on stdout, what the run says meanwhile nowhere. */
async function runForJson(args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "vmaple-bench-"));
  const file = join(folder, "figures.json");
  try {
    const status = await run([...args, "--json", file], "ignore");
    if (existsSync(file)) process.stdout.write(readFileSync(file));
    return status;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The run's exit status; 1 if a signal ended it. */
function run(args: readonly string[], stdout: "inherit" | "ignore"): Promise<number> {
  const child = spawn(process.execPath, [RUNNER, ...args], {
    stdio: ["ignore", stdout, "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

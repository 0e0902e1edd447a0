#!/usr/bin/env node
// The command line: `vmaple <command>`.

import { parseCommandLine, UsageError } from "./cli/command.js";
import { commands } from "./cli/commands.js";
import { packageVersion } from "./cli/version.js";

const HELP = `vmaple: the Linux address space as a library; these are its tools.

Usage: vmaple <command> [options]

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join("\n")}

Options:
  --help     this text, or a command's own
  --version  the version of the package

Exit status: 0 all is well, 1 a difference was found, 2 bad usage or unreadable input.

Examples:
  vmaple maps /proc/self/maps
  strace -f -y -o ls.strace ls; vmaple replay ls.strace
  vmaple replay --help
`;

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command.run(rest);
  if (name !== undefined && !name.startsWith("-")) {
    const known = commands.map((candidate) => candidate.name).join(", ");
    throw new UsageError(`unknown command "${name}"; expected one of: ${known}`);
  }
  const { values } = parseCommandLine(argv, {});
  if (values.version) process.stdout.write(`${packageVersion()}\n`);
  else if (values.help) process.stdout.write(HELP);
  else throw new UsageError("a command is missing");
  return 0;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    const prefix = error.command === undefined ? "vmaple" : `vmaple ${error.command}`;
    process.stderr.write(`${prefix}: ${error.message}; see ${prefix} --help\n`);
  } else {
    // A bug of ours; 1 would say that a difference was found.
    process.stderr.write(`vmaple: ${error instanceof Error ? error.stack : error}\n`);
  }
  process.exitCode = 2;
}

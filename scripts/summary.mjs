// Says from vitest's JSON report what CI shows: each failed test, and "N passed, N failed" last.
//
//   FAIL test/unit/input.test.ts: reading > a line too long: expected 3 to be 4
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

const file = process.argv[2] ?? "build/test-results.json";
const report = JSON.parse(readFileSync(file, "utf8"));
const skipped = report.numPendingTests + report.numTodoTests;
const isFailed = ({ status }) => status === "failed";
// A test file that could not be loaded, or set up, has no failed test to count: count the file.
const broken = report.testResults.filter(
  (suite) => isFailed(suite) && !suite.assertionResults.some(isFailed),
);
const failed = report.numFailedTests + broken.length;

for (const suite of report.testResults) {
  for (const { ancestorTitles, title, failureMessages } of suite.assertionResults.filter(
    isFailed,
  )) {
    tell(suite, [...ancestorTitles, title].join(" > "), failureMessages[0]);
  }
}
for (const suite of broken) tell(suite, "could not be run", suite.message);

const tail = skipped > 0 ? `, ${skipped} skipped` : "";
console.log(`${report.numPassedTests} passed, ${failed} failed${tail}`);
process.exitCode = failed > 0 || report.numPassedTests === 0 ? 1 : 0;

/** One line: which file, which test, the first line of what it said. */
function tell({ name }, test, message = "") {
  const [first] = stripVTControlCharacters(message).split("\n");
  console.log(`FAIL ${relative(process.cwd(), name)}: ${test}: ${first}`);
}

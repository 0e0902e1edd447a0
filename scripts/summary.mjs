// Prints "N passed, N failed" from vitest's JSON report: the line that CI reads.
import { readFileSync } from "node:fs";

const file = process.argv[2] ?? "build/test-results.json";
const report = JSON.parse(readFileSync(file, "utf8"));
const skipped = report.numPendingTests + report.numTodoTests;
// A test file that could not be loaded has no tests to count: count the file.
const broken = report.testResults.filter(
  (suite) => suite.status === "failed" && suite.assertionResults.length === 0,
).length;
const failed = report.numFailedTests + broken;
const tail = skipped > 0 ? `, ${skipped} skipped` : "";
console.log(`${report.numPassedTests} passed, ${failed} failed${tail}`);
process.exitCode = failed > 0 || report.numPassedTests === 0 ? 1 : 0;

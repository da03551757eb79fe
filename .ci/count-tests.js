// node count-tests.js <vitest's JSON report> <its exit status>: prints "<passed> <failed>".
import { existsSync, readFileSync } from "node:fs";

const [path, status] = process.argv.slice(2);
let passed = 0;
let failed = 0;

try {
  const report = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { testResults: [] };
  for (const file of report.testResults) {
    const count = (wanted) => file.assertionResults.filter((test) => test.status === wanted).length;
    passed += count("passed");
    // A file that failed without a failed test did not load, or its hooks threw.
    failed += count("failed") || (file.status === "failed" ? 1 : 0);
  }
} catch (error) {
  console.error(`${path}: ${error.message}`);
  failed += 1;
}

// A crash, an unhandled error or a run without tests.
if (failed === 0 && (status !== "0" || passed === 0)) failed = 1;
console.log(passed, failed);

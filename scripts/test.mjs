// `npm test`: every test from source, then again on what is published. Ends with one line that counts both runs.
import { readFileSync, rmSync } from 'node:fs';
import { build, install, root, run } from './setup.mjs';

install();
build();
const reports = `${root}/node_modules/.cache/reports`;
rmSync(reports, { recursive: true, force: true });
let [passed, failed, skipped] = [0, 0, 0];
for (const target of ['source', 'dist']) {
  const report = `${reports}/${target}.json`;
  const vitest = `${root}/node_modules/vitest/vitest.mjs`;
  const status = run(process.execPath, [vitest, 'run'], { QSPARSE_TARGET: target, QSPARSE_REPORT: report });
  const counted = count(report, status);
  passed += counted.passed;
  failed += counted.failed;
  skipped += counted.skipped;
}
console.log(`total: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/**
 * What fails without a failed test (a file that does not load, a hook, an unhandled error, a missing report) counts as
 * one failure; so does a run of no test.
 * @param {string} file
 * @param {number} status
 */
function count(file, status) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    let failures = 0;
    for (const { status: outcome, assertionResults: tests } of report.testResults) {
      const inFile = tests.filter((test) => test.status === 'failed').length;
      failures += outcome === 'failed' ? Math.max(inFile, 1) : inFile;
    }
    const silent = status !== 0 || report.numPassedTests === 0;
    return {
      passed: report.numPassedTests,
      failed: silent ? Math.max(failures, 1) : failures,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch (error) {
    console.error(`[test] no readable report at ${file}: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

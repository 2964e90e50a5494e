// `npm test`: every test from the sources, then again on what is published. Ends with one line that counts both runs.
// `npm test -- source` or `-- dist` runs one of them.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, cache, install, root, run } from './setup.mjs';

const TARGETS = ['source', 'dist'];
const only = process.argv.slice(2);
if (only.some((target) => !TARGETS.includes(target))) {
  console.error(
    `[test] takes ${TARGETS.join(' or ')}, got ${only.join(' ')}; one package: pnpm exec vitest run --project core`,
  );
  process.exit(2);
}
install();
build();
const reports = join(cache, 'reports');
rmSync(reports, { recursive: true, force: true });
const total = { passed: 0, failed: 0, skipped: 0 };
for (const target of only.length > 0 ? only : TARGETS) {
  const report = join(reports, `${target}.json`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  console.log(`\ntests on ${target === 'source' ? 'the sources' : 'what is published'}`);
  // Browsers get what is published; from the sources they would only be slower.
  const projects = target === 'source' && only.length === 0 ? ['--project', '!browser-*'] : [];
  const status = run(process.execPath, [vitest, 'run', ...projects], {
    QSPARSE_TARGET: target,
    QSPARSE_REPORT: report,
  });
  for (const [outcome, count] of Object.entries(countTests(report, status))) total[outcome] += count;
}
console.log(`total: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

/**
 * What fails without a failed test (a file that does not load, a hook, an unhandled error, a missing report) counts as
 * one failure; so does a run of no test.
 * @param {string} file
 * @param {number} status
 */
function countTests(file, status) {
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

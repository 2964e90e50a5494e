// The part of vitest that the conformance suite uses, for machines where vitest cannot be installed: tests run one after
// the other, a failure is printed, `finish()` prints the count. Comparison is node:assert's.

import assert from 'node:assert/strict';

const tests = [];
const before = [];
const after = [];
let group = '';

export function describe(name, body) {
  const outer = group;
  group = outer ? `${outer} > ${name}` : name;
  body();
  group = outer;
}

export function test(name, body) {
  tests.push({ name, group, body, fails: false });
}
test.fails = (name, body) => tests.push({ name, group, body, fails: true });
test.skip = (name) => tests.push({ name, group, body: undefined, fails: false });
export const beforeAll = (body) => before.push(body);
export const afterAll = (body) => after.push(body);

export function expect(actual, message) {
  const matchers = (holds) => ({
    toBe: (expected) => holds(() => assert.ok(Object.is(actual, expected), says(expected))),
    toEqual: (expected) => holds(() => assert.deepStrictEqual(plain(actual), plain(expected), message)),
    toBeGreaterThan: (bound) => holds(() => assert.ok(actual > bound, says(`more than ${bound}`))),
    toBeGreaterThanOrEqual: (bound) => holds(() => assert.ok(actual >= bound, says(`at least ${bound}`))),
    toBeLessThan: (bound) => holds(() => assert.ok(actual < bound, says(`less than ${bound}`))),
    toThrow: (expected) =>
      holds(() => {
        let thrown;
        try {
          actual();
        } catch (error) {
          thrown = error;
        }
        assert.ok(thrown, 'must throw');
        if (typeof expected === 'function') assert.ok(thrown instanceof expected, String(thrown));
        else if (expected instanceof RegExp) assert.match(thrown.message, expected);
        else if (expected !== undefined) assert.ok(thrown.message.includes(expected), thrown.message);
      }),
  });
  const says = (expected) => `${message ?? ''} must be ${String(expected)}, got ${String(actual)}`;
  /** The matchers of what a promise is rejected with. */
  const rejects = {
    async toThrow(expected) {
      const thrown = await Promise.resolve(actual).then(
        () => assert.fail('must be rejected'),
        (error) => error,
      );
      return expect(() => {
        throw thrown;
      }, message).toThrow(expected);
    },
  };
  return { ...matchers((check) => check()), not: matchers((check) => assert.throws(check)), rejects };
}

/** undefined entries count as absent, as in vitest. */
const plain = (value) =>
  value && typeof value === 'object' && !ArrayBuffer.isView(value) && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined))
    : value;

/** Runs what was registered; `only` is a regular expression over names. Returns how many failed. */
export async function finish(only) {
  const start = performance.now();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const body of before) await body();
  for (const { name, group: where, body, fails } of tests) {
    if (!body || (only && !new RegExp(only).test(`${where} > ${name}`))) {
      counts.skipped += 1;
      continue;
    }
    let error;
    try {
      await body();
    } catch (thrown) {
      error = thrown;
    }
    const failed = fails ? error === undefined : error !== undefined;
    counts[failed ? 'failed' : 'passed'] += 1;
    if (failed)
      console.log(
        `FAIL ${where} > ${name}\n     ${fails ? 'passes, though known to fail' : error.message.split('\n')[0]}`,
      );
  }
  for (const body of after) await body();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`);
  return counts.failed;
}

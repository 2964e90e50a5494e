import { expect, test } from 'vitest';
import { createStopText } from '../src/stop-text.ts';

/** What came out, and what was still held when no stop was found. */
function through(stops: readonly string[], pieces: readonly string[]) {
  const stopText = createStopText(stops);
  const out = pieces.map((piece) => stopText.push(piece));
  return { out, found: stopText.found, rest: stopText.flush() };
}

test.each<[string[], string[], string[], boolean, string]>([
  [['END'], ['a', 'b'], ['a', 'b'], false, ''],
  [['END'], ['xENDy', 'z'], ['x', ''], true, ''],
  [['END'], ['xE', 'N', 'D more'], ['x', '', ''], true, ''],
  [['END'], ['xE', 'N', 'd'], ['x', '', 'ENd'], false, ''],
  [['END'], ['xEN'], ['x'], false, 'EN'],
  [['END'], ['EE', 'ND'], ['E', ''], true, ''], // the beginning begins again
  [['aab'], ['aa', 'a', 'b'], ['', 'a', ''], true, ''],
  [['abcd', 'bc'], ['ab', 'c'], ['', 'a'], true, ''], // the shorter one is complete first
  [['late', 'x'], ['x late'], [''], true, ''],
  [['\n\n'], ['a\n', '\n', 'b'], ['a', '', ''], true, ''],
  [[], ['END'], ['END'], false, ''],
])('%j in %j', (stops, pieces, out, found, rest) => {
  expect(through(stops, pieces)).toEqual({ out, found, rest });
});

test('however a text is cut, the same comes out', () => {
  const text = 'ababc abab c ab';
  for (let a = 0; a <= text.length; a++) {
    for (let b = a; b <= text.length; b++) {
      const { out, rest } = through(['abab c', 'zz'], [text.slice(0, a), text.slice(a, b), text.slice(b)]);
      expect(out.join('') + rest).toBe('ababc ');
    }
  }
});

import { expect, test } from 'vitest';
import { lossCurve, SCALE_WIDTH } from '../../src/train/loss-curve.ts';

test('falls from the upper left to the lower right, with the scale at the left', () => {
  const lines = lossCurve([4, 3, 2, 1], { width: 4, height: 2 });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^ {2}4.00 ┤[\u2801-\u28ff]/u);
  expect(lines[1]).toMatch(/^ {2}1.00 ┤.*[\u2801-\u28ff]$/u);
  expect([...lines[0]!.slice(8)].at(-1)).toBe('\u2800');
  expect([...lines[1]!.slice(8)][0]).toBe('\u2800');
});

test('every column has a dot, whatever the number of losses', () => {
  for (const count of [2, 3, 63, 64, 65, 1000]) {
    const lines = lossCurve(
      Array.from({ length: count }, (_, i) => Math.sin(i) + 5),
      { width: 16, height: 4 },
    );
    expect(new Set(lines.map((line) => [...line].length))).toEqual(new Set([SCALE_WIDTH + 16]));
    for (let column = 8; column < 24; column++)
      expect(lines.some((line) => [...line][column] !== '\u2800')).toBe(true);
  }
});

test('a flat curve is one line, and one loss is no curve', () => {
  expect(
    lossCurve([2, 2, 2], { width: 2, height: 3 }).filter((line) => /[\u2801-\u28ff]/u.test(line)),
  ).toHaveLength(1);
  expect(lossCurve([2])).toEqual([]);
  expect(lossCurve([])).toEqual([]);
  expect(lossCurve([2, 1], { width: 0 })).toEqual([]);
});

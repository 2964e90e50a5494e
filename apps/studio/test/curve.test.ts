import { expect, test } from 'vitest';
import { drawCurve } from '../src/curve.ts';

const coordinates = (markup: string): number[][] =>
  [...markup.matchAll(/[ML](\S+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);

test('no point, one point and equal losses draw no NaN', () => {
  expect(drawCurve([])).toBe('');
  for (const points of [[{ step: 7, loss: 2 }], [1, 2, 3].map((step) => ({ step, loss: 5 }))]) {
    expect(drawCurve(points)).not.toContain('NaN');
    expect(coordinates(drawCurve(points))).toHaveLength(points.length);
  }
});

test('a falling loss goes down and to the right, inside of the box', () => {
  const points = Array.from({ length: 50 }, (_, i) => ({ step: i + 11, loss: 6 - i / 10 }));
  const path = coordinates(drawCurve(points));
  for (const [i, [x, y]] of path.entries()) {
    expect(x).toBeGreaterThanOrEqual(44);
    expect(x).toBeLessThanOrEqual(640);
    expect(y).toBeLessThanOrEqual(240);
    if (i > 0) {
      expect(x).toBeGreaterThan(path[i - 1]![0]!);
      expect(y).toBeGreaterThan(path[i - 1]![1]!);
    }
  }
  expect(drawCurve(points)).toContain('>11<');
  expect(drawCurve(points)).toContain('>60<');
});

test('many points are averaged, and the last step stays', () => {
  const points = Array.from({ length: 10_001 }, (_, i) => ({ step: i + 1, loss: i % 2 }));
  const markup = drawCurve(points);
  expect(coordinates(markup).length).toBeLessThanOrEqual(400);
  expect(markup).toContain('>10001<');
});

import { expect, test } from 'vitest';
import { accuracyOf, loosened, requireNear, wider } from '../src/tolerance.ts';

const limit = { relative: 0.1, absolute: 0.01 };

test('an error may be a share of the element and of the largest one', () => {
  requireNear('y', [1.1, 100], [1, 100], limit);
  expect(() => requireNear('y', [2.2, 100], [1, 100], limit)).toThrow('y[0] must be 1 within 1.1, got 2.2');
  requireNear('y', [1e-31], [0], limit);
  expect(() => requireNear('y', [1e-9], [0], limit)).toThrow('y[0]');
  requireNear('y', [1e-9], [0], { ...limit, floor: 1e-8 });
});

test('the worst element is named', () => {
  expect(() => requireNear('y', [2, 9, 3], [1, 1, 1], limit)).toThrow(
    'y[1] must be 1 within 0.11, got 9 (3 of 3 elements are off)',
  );
});

test('NaN and infinities must be the same, under every tolerance', () => {
  const special = [NaN, Infinity, -Infinity];
  for (const accuracy of [limit, 'exact'] as const) {
    requireNear('y', special, special, accuracy);
    for (const [got, expected] of [
      [NaN, 1],
      [1, NaN],
      [Infinity, 3e38],
      [3e38, Infinity],
      [-Infinity, Infinity],
      [NaN, Infinity],
    ]) {
      expect(() => requireNear('y', [got!], [expected!], accuracy)).toThrow('y[0]');
    }
  }
  // An infinity does not stretch what is allowed for its neighbours.
  expect(() => requireNear('y', [Infinity, 2], [Infinity, 1], limit)).toThrow('y[1]');
});

test('exact is exact, but for the sign of zero', () => {
  requireNear('y', [-0, 1], [0, 1], 'exact');
  expect(() => requireNear('y', [1 + 2 ** -52], [1], 'exact')).toThrow('exactly');
});

test('another number of elements is an error', () => {
  expect(() => requireNear('y', [1], [1, 2], limit)).toThrow('y has 1 elements, expected 2');
});

test('integers are exact, whatever the op allows; exact stays exact', () => {
  expect(accuracyOf('i32', limit)).toBe('exact');
  expect(accuracyOf('f32', limit)).toBe(limit);
  expect(loosened('exact', 4)).toBe('exact');
  expect(wider(limit, { relative: 0.01, absolute: 0.2 })).toEqual({ relative: 0.1, absolute: 0.2, floor: 0 });
  expect(loosened(limit, 2)).toEqual({ relative: 0.2, absolute: 0.02, floor: 0 });
});

import {
  attention,
  attentionOp,
  backward,
  DTypeError,
  noGrad,
  normal,
  type Param,
  paramArena,
  run,
  ShapeError,
  scope,
  TapeError,
  tensor,
  ValueError,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();

interface Case {
  /** Batch, queries, keys, heads, groups, head size. */
  readonly sizes: readonly [B: number, T: number, S: number, H: number, G: number, D: number];
  readonly window?: number;
  readonly position?: number | readonly number[];
  /** [B, T] */
  readonly first?: readonly number[];
}

const cases: readonly Case[] = [
  { sizes: [2, 4, 4, 2, 2, 3] },
  { sizes: [1, 3, 5, 4, 2, 2] },
  { sizes: [2, 3, 3, 6, 1, 2], window: 2 },
  { sizes: [1, 4, 4, 2, 1, 2], window: 1 },
  { sizes: [1, 1, 6, 2, 2, 4], position: 3 },
  { sizes: [1, 2, 8, 4, 2, 2], position: 2, window: 3 },
  { sizes: [1, 1, 1, 1, 1, 1] },
  { sizes: [1, 3, 3, 3, 3, 1], window: 100 },
  { sizes: [3, 2, 8, 4, 2, 2], position: [5, 0, 6], window: 3 },
  { sizes: [2, 4, 4, 2, 1, 2], first: [0, 0, 2, 2, -7, 1, 1, 3] },
  { sizes: [2, 2, 6, 2, 2, 2], position: [4, 1], first: [3, 2, 0, 2], window: 3 },
];

function inputsOf({ sizes: [B, T, S, H, G, D], position, first }: Case, on = device) {
  return {
    q: tensor(on, normal(9, 0, B * T * H * D), [B, T, H, D]),
    k: tensor(on, normal(9, 1, B * S * G * D), [B, S, G, D]),
    v: tensor(on, normal(9, 2, B * S * G * D), [B, S, G, D]),
    position: at(position, on),
    first: first && tensor(on, first, [B, T], 'i32'),
  };
}
const at = (position: number | readonly number[] | undefined, on: ReferenceDevice) => {
  if (position === undefined) return undefined;
  const positions = [position].flat();
  return tensor(on, positions, [positions.length], 'i32');
};

/** One output row and its log-sum-exp, straight from the definition: a list of (key, score) pairs. */
function expectedRow(one: Case, b: number, t: number, h: number) {
  const [, T, S, H, G, D] = one.sizes;
  const { q, k, v } = inputsOf(one);
  const entry = (x: typeof q, row: number, heads: number, head: number, count: number) =>
    device
      .values(x)
      .slice(((b * count + row) * heads + head) * D, ((b * count + row) * heads + head + 1) * D);
  const group = Math.floor((h * G) / H);
  const query = entry(q, t, H, h, T);
  const position = Array.isArray(one.position) ? one.position[b] : one.position;
  const place = (position ?? S - T) + t;
  const seen = Array.from({ length: S }, (_, j) => j).filter(
    (j) => j <= place && (!one.window || j > place - one.window) && j >= (one.first?.[b * T + t] ?? 0),
  );
  const weights = seen.map((j) => {
    const key = entry(k, j, G, group, S);
    return Math.exp(query.reduce((sum, value, i) => sum + value * key[i]!, 0) / Math.sqrt(D));
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const y = Array.from({ length: D }, (_, i) =>
    seen.reduce((sum, j, n) => sum + (weights[n]! / total) * entry(v, j, G, group, S)[i]!, 0),
  );
  return { y, logSumExp: Math.log(total) };
}

test.for(cases)('each head attends to what it may see: %o', (one) => {
  const [B, T, , H, , D] = one.sizes;
  const attrs = { scale: 1 / Math.sqrt(D), window: one.window ?? 0 };
  const { y, logSumExp } = run(attentionOp, inputsOf(one), attrs);
  expect([y.shape, logSumExp.shape]).toEqual([
    [B, T, H, D],
    [B, T, H],
  ]);
  for (let row = 0; row < B * T * H; row++) {
    const expected = expectedRow(one, Math.floor(row / (T * H)), Math.floor(row / H) % T, row % H);
    expect(device.values(logSumExp)[row]).toBeCloseTo(expected.logSumExp, 12);
    expected.y.forEach((value, i) => {
      expect(device.values(y)[row * D + i]).toBeCloseTo(value, 12);
    });
  }
});

test.for(cases)('equals its parts: %o', (one) => {
  const attrs = { scale: 0.3, window: one.window ?? 0 };
  const ins = inputsOf(one);
  const fused = run(attentionOp, ins, attrs);
  const parts = noGrad(() => attentionOp.composite!(ins, attrs));
  for (const name of ['y', 'logSumExp'] as const) {
    expect(parts[name].shape).toEqual(fused[name].shape);
    device.values(fused[name]).forEach((value, i) => {
      expect(device.values(parts[name])[i]).toBeCloseTo(value, 11);
    });
  }
});

test.for(cases)('gradients equal finite differences: %o', (one) => {
  const [B, T, S, H, G, D] = one.sizes;
  checkGradients(
    ({ q, k, v }, on) => {
      const { position, first } = inputsOf(one, on);
      return attention(q, k, v, { window: one.window ?? 0, position, first });
    },
    { q: { shape: [B, T, H, D] }, k: { shape: [B, S, G, D] }, v: { shape: [B, S, G, D] } },
  );
});

test('a window of 1 gives the value of the token itself', () => {
  const { q, k, v } = inputsOf({ sizes: [1, 3, 3, 1, 1, 2] });
  expect(Array.from(device.values(attention(q, k, v, { window: 1 })))).toEqual(Array.from(device.values(v)));
});

test('keys beyond the position are not read', () => {
  const one: Case = { sizes: [1, 1, 4, 1, 1, 2], position: 1 };
  const { q, k, v, position } = inputsOf(one);
  const spoiled = Float64Array.from(device.values(k), (value, i) => (i < 4 ? value : Number.NaN));
  const y = attention(q, k, v, { position });
  const z = attention(q, tensor(device, spoiled, k.shape), v, { position });
  expect(device.values(z)).toEqual(device.values(y));
});

test('large scores do not overflow, and a position outside the cache gives zeros', () => {
  const q = tensor(device, [1e3, 1e3], [1, 2, 1, 1]);
  const y = attention(q, q, tensor(device, [1, 2], [1, 2, 1, 1]), { scale: 1 });
  expect(Array.from(device.values(y))).toEqual([1, 1.5]);
  const outside = attention(q, q, q, { position: at(-2, device) });
  expect(Array.from(device.values(outside))).toEqual([0, 0]);
});

test('a first key beyond the own one gives zeros for that query alone', () => {
  const q = tensor(device, [1, 1, 1], [1, 3, 1, 1]);
  const v = tensor(device, [5, 6, 7], [1, 3, 1, 1]);
  const first = tensor(device, [0, 2, 2], [1, 3], 'i32');
  expect(Array.from(device.values(attention(q, q, v, { first })))).toEqual([5, 0, 7]);
});

test('the parts leave nothing behind but what the op returns', () => {
  const on = nullDevice({ composites: true });
  const [q, k] = [zeros(on, [1, 4, 2, 8]), zeros(on, [1, 4, 1, 8])];
  const before = on.memory().count;
  const y = noGrad(() => run(attentionOp, { q, k, v: k }, { scale: 1, window: 0 }));
  expect(on.memory().count).toBe(before + 2);
  expect(on.counts().launches.softmax).toBe(1);
  expect(y.y.shape).toEqual([1, 4, 2, 8]);
});

test('what does not fit is named', () => {
  const make =
    (q: number[], k: number[], v = k) =>
    () =>
      attention(zeros(device, q), zeros(device, k), zeros(device, v));
  expect(make([4, 2, 8], [1, 4, 2, 8])).toThrow(
    '[attention] q must be [B, T, H, D] and k [B, S, G, D], got [4, 2, 8] and [1, 4, 2, 8]',
  );
  expect(make([1, 4, 2, 8], [1, 4, 2, 8], [1, 4, 2, 4])).toThrow(
    '[attention] k and v must have one shape, got [1, 4, 2, 8] and [1, 4, 2, 4]',
  );
  expect(make([2, 4, 2, 8], [1, 4, 2, 8])).toThrow('q and k must have one batch and head size');
  expect(make([1, 4, 3, 8], [1, 4, 2, 8])).toThrow('must be a multiple of key-value heads, got 3 and 2');
  expect(make([1, 5, 2, 8], [1, 4, 2, 8])).toThrow('at least as many keys as queries, got 4 and 5');
  expect(make([1, 4, 1, 8], [1, 4, 2, 8])).toThrow(ShapeError);
  const x = zeros(device, [1, 2, 1, 2]);
  expect(() => attention(x, x, x, { window: -1 })).toThrow(ValueError);
  expect(() => attention(x, x, x, { scale: Number.NaN })).toThrow(
    '[attention] scale must be finite, got NaN',
  );
  expect(() => attention(x, x, x, { position: zeros(device, [1]) })).toThrow(DTypeError);
  expect(() => attention(x, x, x, { position: zeros(device, [2], 'i32') })).toThrow(
    '[attention] position must have shape [1], got [2]',
  );
  const two = zeros(device, [2, 2, 1, 2]);
  expect(() => attention(two, two, two, { position: zeros(device, [3], 'i32') })).toThrow(
    'position must have shape [1] or [2], one for each row of the batch, got [3]',
  );
  expect(() => attention(x, x, x, { first: zeros(device, [2], 'i32') })).toThrow(
    '[attention] first must have shape [1, 2], got [2]',
  );
  expect(() => attention(x, x, x, { first: zeros(device, [1, 2]) })).toThrow(DTypeError);
});

test('a loss from logSumExp is refused, since its gradient would be lost', () => {
  const { params } = paramArena(device, [{ name: 'q', shape: [1, 1, 1, 1] }]);
  const q = params.get('q') as Param;
  expect(() =>
    scope(() => backward(run(attentionOp, { q, k: q, v: q }, { scale: 1, window: 0 }).logSumExp, [q])),
  ).toThrow(TapeError);
});

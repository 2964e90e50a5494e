/** Rows that are drawn from by bins give the token of the reference, which sorts: for any threads, and where sums meet. */
import type { CpuDevice } from '@qsparse/backend-cpu';
import { noGrad, normal, randomState, sample, sampleOp, scope, tensor } from '@qsparse/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devicesByThreads } from './op-fixture.ts';

/** Even, so that half of equal weights is met exactly. */
const N = 3002;
const DRAWS = 12;
const ROWS: Readonly<Record<string, (n: number) => ArrayLike<number>>> = {
  normal: (n) => normal(1, 1, n).map((x) => 3 * x),
  'nearly even': (n) => normal(2, 1, n).map((x) => x / 100),
  'one far ahead': (n) => normal(3, 1, n).map((x, i) => (i === 77 ? 60 : x)),
  'many that are equal': (n) => normal(4, 1, n).map((x) => Math.round(x)),
  'all equal': (n) => new Float64Array(n).fill(-2.5),
  'zeros of both signs': (n) => new Float64Array(n).map((_, i) => (i % 2 ? -0 : 0)),
  'most impossible': (n) => normal(5, 1, n).map((x, i) => (i % 7 === 3 ? x : Number.NEGATIVE_INFINITY)),
  'the widest': (n) => normal(6, 1, n).map((x) => Math.max(-3e38, Math.min(3e38, x * 2e38))),
};
const SETTINGS = [
  { temperature: 1, topK: 0, topP: 1 },
  { temperature: 0.7, topK: 0, topP: 0.5 },
  { temperature: 30, topK: 0, topP: 0.999 },
  { temperature: 1e-3, topK: 0, topP: 0.9 },
  { temperature: 1, topK: 1, topP: 1 },
  { temperature: 1, topK: 40, topP: 0.9 },
];

let devices: readonly CpuDevice[];
beforeAll(async () => {
  devices = await devicesByThreads();
});
afterAll(() => {
  for (const device of devices) device.dispose();
});

/** Of one row, and of two rows at once. */
test.each(Object.entries(ROWS))('%s', async (_name, make) => {
  const logits = Float64Array.from(make(N), Math.fround);
  const types = {
    logits: { dtype: 'f32', shape: [1, N] },
    random: { dtype: 'i32', shape: [4] },
    y: { dtype: 'i32', shape: [1] },
  } as const;
  for (const attrs of SETTINGS) {
    for (let draw = 0; draw < DRAWS; draw++) {
      const state = randomState(9, 2, draw);
      const expected = new Float64Array(1);
      const ins = { logits, random: Float64Array.from(state) };
      sampleOp.reference(ins, { y: expected }, attrs, types);
      const drawn = devices.map((device) =>
        scope(() =>
          noGrad(() => {
            const random = tensor(device, state, [4], 'i32');
            const twice = Float32Array.from([...logits, ...logits]);
            return [
              sample(tensor(device, Float32Array.from(logits), [1, N]), random, attrs).data(),
              sample(tensor(device, twice, [2, N]), random, attrs).data(),
            ] as const;
          }),
        ),
      );
      for (const [one, two] of drawn) {
        expect(Array.from(await one), JSON.stringify({ attrs, draw })).toEqual(Array.from(expected));
        expect((await two)[0]).toBe(expected[0]);
      }
    }
  }
});

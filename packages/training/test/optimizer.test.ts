import { globalNorm, scope, tensor, ValueError, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { type AdamWOptions, createAdamW } from '@qsparse/training';
import { expect, test } from 'vitest';
import { bigram } from './bigram.ts';

const HYPER = { learningRate: 0.1, weightDecay: 0.5, step: 0, clipNorm: 0 };

test('matrices decay, vectors do not; the first step is the sign of the gradient', () => {
  const device = referenceDevice();
  const { arena, head, norm } = bigram(device);
  write(head, new Float64Array(head.size).fill(2));
  write(head.grad, new Float64Array(head.size).fill(-3));
  write(norm.grad, new Float64Array(norm.size).fill(4));
  const optimizer = createAdamW(arena);
  const step = (count: number, clipNorm = 0) => {
    const hyper = tensor(device, optimizer.hyper({ ...HYPER, step: count, clipNorm }));
    scope(() => optimizer.update(globalNorm(arena.grads), hyper));
  };
  step(0);
  expect(device.values(head)[0]).toBeCloseTo(2 * (1 - 0.1 * 0.5) + 0.1, 8);
  expect(device.values(norm)[0]).toBeCloseTo(1 - 0.1, 8);
  // The same gradient again: both moments, corrected, are the gradient and its square.
  step(1);
  expect(device.values(norm)[0]).toBeCloseTo(1 - 0.2, 8);
});

test('two launches whatever the number of parameters', () => {
  const device = nullDevice();
  const { arena } = bigram(device);
  const optimizer = createAdamW(arena);
  const [norm, hyper] = [tensor(device, [1], []), tensor(device, optimizer.hyper(HYPER))];
  device.resetCounts();
  scope(() => optimizer.update(norm, hyper));
  expect(device.counts().launches).toEqual({ adamw: 2 });
});

test('a norm that is not finite changes nothing', () => {
  const device = referenceDevice();
  const { arena } = bigram(device);
  write(arena.grads, new Float64Array(arena.grads.size).fill(1));
  const optimizer = createAdamW(arena);
  const before = device.values(arena.values);
  const hyper = tensor(device, optimizer.hyper(HYPER));
  for (const norm of [Number.NaN, Number.POSITIVE_INFINITY])
    optimizer.update(tensor(device, [norm], []), hyper);
  expect(device.values(arena.values)).toEqual(before);
  expect(new Set([...device.values(optimizer.m), ...device.values(optimizer.v)])).toEqual(new Set([0]));
});

test('moments are given back', () => {
  const device = nullDevice();
  const { arena } = bigram(device);
  const before = device.memory().count;
  createAdamW(arena).dispose();
  expect(device.memory().count).toBe(before);
});

test.each<[AdamWOptions, string]>([
  [{ beta1: 1 }, 'beta1 must be at least 0 and below 1, got 1'],
  [{ beta2: -0.1 }, 'beta2 must be at least 0 and below 1, got -0.1'],
  [{ beta2: Number.NaN }, 'beta2 must be at least 0 and below 1, got NaN'],
  [{ epsilon: 0 }, 'epsilon must be above 0, got 0'],
])('%j is refused', (wrong, message) => {
  const { arena } = bigram(nullDevice());
  expect(() => createAdamW(arena, wrong)).toThrow(ValueError);
  expect(() => createAdamW(arena, wrong)).toThrow(message);
});

test('the average of the weights follows them, faster at first', async () => {
  const device = referenceDevice();
  const { arena } = bigram(device);
  const optimizer = createAdamW(arena, { ema: 0.5 });
  const values = () => device.values(arena.values).slice();
  let expected = values();
  for (let step = 0; step < 12; step++) {
    device.write(arena.grads, new Float64Array(arena.grads.size).fill(0.1));
    const hyper = optimizer.hyper({ learningRate: 0.1, weightDecay: 0, step, clipNorm: 0 });
    scope(() => optimizer.update(tensor(device, [1], []), tensor(device, hyper)));
    const decay = Math.min(0.5, (1 + step) / (10 + step));
    const now = values();
    expected = expected.map((average, i) => average + (1 - decay) * (now[i]! - average));
    device.values(optimizer.average!).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 12);
    });
  }
  expect(createAdamW(arena).average).toBeUndefined();
  expect(() => createAdamW(arena, { ema: 1 })).toThrow('ema must be at least 0 and below 1, got 1');
});

import {
  capture,
  empty,
  exp,
  matmul,
  OutOfMemoryError,
  scale,
  scope,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { expect, test } from 'vitest';

test('counts launches by op and the bytes that they touch', () => {
  const device = nullDevice();
  const a = tensor(device, new Float32Array(6), [2, 3]);
  const b = tensor(device, new Float32Array(12), [3, 4]);
  const y = matmul(a, b);
  scale(y, 2);
  expect(device.counts()).toEqual({
    launches: { matmul: 1, scale: 1 },
    bytes: 4 * (6 + 12 + 8) + 4 * (8 + 8),
  });
  matmul(a, b, { into: y });
  expect(device.counts().bytes).toBe(4 * (6 + 12 + 8) + 4 * 16 + 4 * (6 + 12 + 8 + 8));
  device.resetCounts();
  expect(device.counts()).toEqual({ launches: {}, bytes: 0 });
});

test('a copy of the counts does not move', () => {
  const device = nullDevice();
  const x = tensor(device, [1]);
  scale(x, 2);
  const { launches } = device.counts();
  scale(x, 2);
  expect(launches).toEqual({ scale: 1 });
});

test('replays count as launches; what was recorded is known', () => {
  const device = nullDevice();
  const step = capture(({ x }: { readonly x: Tensor }) => exp(scale(x, 2)));
  const x = tensor(device, [1, 2]);
  step({ x });
  step({ x });
  device.resetCounts();
  step({ x });
  expect(device.counts()).toEqual({ launches: { copy: 1, scale: 1, unary: 1 }, bytes: 3 * 16 });
  expect(step.program?.launches).toBe(2);
});

test('everything reads as zeros of its dtype', async () => {
  const device = nullDevice();
  expect(await tensor(device, [5, 6]).data()).toEqual(new Float32Array(2));
  expect(await tensor(device, [5], [1], 'i8').data()).toEqual(new Int8Array(1));
  expect(await tensor(device, [5, 6, 7], [3], 'bf16').data()).toEqual(new Float32Array(3));
  expect(await empty(device, 'ternary', [9]).data()).toEqual(new Uint8Array(3));
});

test('a limit makes allocation fail, and freed memory counts again', () => {
  const device = nullDevice({ limit: 4096 });
  const bytes = (count: number) => empty(device, 'i8', [count]);
  scope(() => {
    bytes(3000);
  });
  const large = scope(() => bytes(4096));
  expect(() => bytes(1)).toThrow(OutOfMemoryError);
  large.dispose();
  expect(() => bytes(2048)).not.toThrow();
});

import { backward, scope, sum, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { lossOf, sequenceLosses } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { someTokens, tinyModel } from './tiny-model.ts';

const device = referenceDevice();
const model = tinyModel(device);
const tokens = someTokens(device, 2, 5);
const targets = tensor(device, [-1, -1, 4, 3, 2, -1, 5, -1, 1, -1], [2, 5], 'i32');
const counts = tensor(device, [3, 2], [2]);

test('each row has the sum over its own targets', () => {
  const losses = device.values(scope(() => sequenceLosses(model, tokens, targets, counts)));
  for (const [row, count] of [3, 2].entries()) {
    const part = (x: typeof tokens) =>
      tensor(device, device.values(x).subarray(5 * row, 5 * row + 5), [1, 5], 'i32');
    const mean = device.values(scope(() => lossOf(model, part(tokens), part(targets))))[0]!;
    expect(losses[row]).toBeCloseTo(count * mean, 12);
  }
});

test('their sum has the gradients of the mean loss times the number of targets', () => {
  const gradients = (loss: () => ReturnType<typeof sum>, scale: number) => {
    scope(() => backward(loss(), model.arena.params.values(), { scale }));
    const values = device.values(model.arena.grads).slice();
    device.write(model.arena.grads, new Float64Array(values.length));
    return values;
  };
  const apart = gradients(() => sum(sequenceLosses(model, tokens, targets, counts), 'all'), 1);
  const together = gradients(() => lossOf(model, tokens, targets), 5);
  apart.forEach((value, i) => {
    expect(value).toBeCloseTo(together[i]!, 10);
  });
});

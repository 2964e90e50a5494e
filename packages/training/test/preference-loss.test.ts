import { backward, paramArena, scope, tensor, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { preferenceLoss } from '@qsparse/training';
import { expect, test } from 'vitest';

const device = referenceDevice();
const LOSSES = [3, 5, 8.5, 2, 1, 400];
const REFERENCE = [4, 4.5, 8, 3, 900, 2];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

test('it is the formula of the paper, and its gradient is -β σ(-margin) / pairs', () => {
  const arena = paramArena(device, [{ name: 'losses', shape: [4] }]);
  const losses = arena.params.get('losses')!;
  write(losses, LOSSES.slice(0, 4));
  const beta = 0.3;
  const value = scope(() => {
    const loss = preferenceLoss(losses, tensor(device, REFERENCE.slice(0, 4)), beta);
    backward(loss, [losses]);
    return loss;
  });
  const margins = [0, 2].map(
    (i) => beta * (REFERENCE[i]! - LOSSES[i]! - (REFERENCE[i + 1]! - LOSSES[i + 1]!)),
  );
  const expected = margins.reduce((sum, margin) => sum - Math.log(sigmoid(margin)), 0) / 2;
  expect(device.values(value)[0]).toBeCloseTo(expected, 12);
  const gradients = device.values(losses.grad);
  margins.forEach((margin, i) => {
    const slope = (beta * sigmoid(-margin)) / 2;
    expect(gradients[2 * i]).toBeCloseTo(slope, 12);
    expect(gradients[2 * i + 1]).toBeCloseTo(-slope, 12);
  });
});

test('a model that is its reference has log 2', () => {
  const same = tensor(device, LOSSES);
  expect(device.values(preferenceLoss(same, same, 0.1))[0]).toBeCloseTo(Math.log(2), 12);
});

test('margins that no exponential can hold give a finite loss', () => {
  const loss = preferenceLoss(tensor(device, [2000, 0]), tensor(device, [0, 2000]), 1);
  expect(device.values(loss)[0]).toBeCloseTo(4000, 6);
});

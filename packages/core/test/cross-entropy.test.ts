import {
  backward,
  crossEntropy,
  crossEntropyOp,
  DTypeError,
  matmul,
  normal,
  type Param,
  paramArena,
  run,
  ShapeError,
  scope,
  TapeError,
  type Tensor,
  tensor,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const ids = (elements: number[], shape = [elements.length], on = device) =>
  tensor(on, elements, shape, 'i32');

test('is the mean of log-sum-exp minus the logit of the target', () => {
  const logits = normal(5, 0, 12);
  const targets = [2, -1, 0];
  const { loss, logSumExp, count } = run(
    crossEntropyOp,
    { logits: tensor(device, logits, [1, 3, 4]), targets: ids(targets, [1, 3]) },
    null,
  );
  const rows = [0, 1, 2].map((row) => logits.slice(row * 4, row * 4 + 4));
  const expected = rows.map((row) => Math.log(row.reduce((sum, entry) => sum + Math.exp(entry), 0)));
  expected.forEach((value, row) => {
    expect(device.values(logSumExp)[row]).toBeCloseTo(value, 14);
  });
  expect([loss.shape, count.shape, device.values(count)[0]]).toEqual([[], [], 2]);
  const mean = (expected[0]! - rows[0]![2]! + expected[2]! - rows[2]![0]!) / 2;
  expect(device.values(loss)[0]).toBeCloseTo(mean, 14);
});

test('large logits do not overflow, and one token is a row too', () => {
  const loss = crossEntropy(tensor(device, [1e4, 0, -1e4]), ids([1], []));
  expect(device.values(loss)[0]).toBe(1e4);
});

test('gradients equal finite differences, ignored targets included', () => {
  checkGradients(({ logits }, on) => crossEntropy(logits, ids([3, -100, 0, 1], [2, 2], on)), {
    logits: { shape: [2, 2, 4] },
  });
});

/** Loss and gradient of logits that are an intermediate tensor, as in a model. */
function lossAndGradient(elements: ArrayLike<number>, targets: number[], scale = 1) {
  const rows = targets.length;
  const { params, dispose } = paramArena(device, [{ name: 'x', shape: [rows, elements.length / rows] }]);
  const x = params.get('x') as Param;
  device.write(x, Float64Array.from(elements));
  const loss = scope(() => {
    const made = crossEntropy(x, ids(targets));
    backward(made, [x], { scale });
    return made;
  });
  const result = { loss: device.values(loss)[0], gradient: Array.from(device.values(x.grad)) };
  loss.dispose();
  dispose();
  return result;
}

test('with every target ignored, loss and gradient are zero', () => {
  expect(lossAndGradient([1, 2, 3, Number.NaN], [-1, -1])).toEqual({ loss: 0, gradient: [0, 0, 0, 0] });
});

test('a target outside the vocabulary makes the loss and its own gradient NaN', () => {
  const { loss, gradient } = lossAndGradient([0, 0, 0, 0], [2, 0]);
  expect(loss).toBeNaN();
  expect(gradient).toEqual([Number.NaN, Number.NaN, -0.25, 0.25]);
});

test('the gradient of the loss scales it', () => {
  expect(lossAndGradient([0, 0], [0], 3).gradient).toEqual([-1.5, 1.5]);
});

/** Logits [64, 1024] from a product, with their own handle held or not, on a device that counts. */
function peakOf(on: ReturnType<typeof nullDevice>, hold: boolean): number {
  const { params } = paramArena(on, [{ name: 'w', shape: [8, 1024] }]);
  const w = params.get('w') as Param;
  scope(() => {
    const x = zeros(on, [64, 8]);
    const targets = zeros(on, [64], 'i32');
    const head = (): { loss: Tensor; logits?: Tensor } => {
      const logits = matmul(x, w);
      const loss = crossEntropy(logits, targets);
      return hold ? { loss, logits } : { loss };
    };
    backward(scope(head).loss, [w]);
  });
  return on.memory().peak;
}

test('the gradient takes over the memory of logits that nobody holds', () => {
  const size = 64 * 1024 * 4;
  expect(peakOf(nullDevice(), true) - peakOf(nullDevice(), false)).toBe(size);
});

test('logits that somebody holds are not overwritten', () => {
  const { params, dispose } = paramArena(device, [{ name: 'w', shape: [2, 3] }]);
  const w = params.get('w') as Param;
  device.write(w, normal(5, 1, 6));
  const logits = scope(() => {
    const held = matmul(tensor(device, [1, 2], [1, 2]), w);
    const before = device.values(held);
    backward(crossEntropy(held, ids([1])), [w]);
    expect(device.values(held)).toEqual(before);
    return held;
  });
  logits.dispose();
  dispose();
});

test('what does not fit is named', () => {
  const logits = zeros(device, [2, 3]);
  expect(() => crossEntropy(logits, ids([0]))).toThrow(
    '[cross-entropy] targets must have shape [2], got [1]',
  );
  expect(() => crossEntropy(logits, ids([0, 0], [2, 1]))).toThrow(ShapeError);
  expect(() => crossEntropy(logits, zeros(device, [2]))).toThrow(
    '[cross-entropy] targets must be i32, got f32',
  );
  expect(() => crossEntropy(zeros(device, [2, 3], 'i32'), ids([0, 0]))).toThrow(DTypeError);
  expect(() => crossEntropy(zeros(device, []), ids([0], []))).toThrow(ShapeError);
});

test('a loss from logSumExp is refused, since its gradient would be lost', () => {
  const { params, dispose } = paramArena(device, [{ name: 'x', shape: [1, 3] }]);
  const x = params.get('x') as Param;
  expect(() =>
    scope(() => backward(run(crossEntropyOp, { logits: x, targets: ids([0]) }, null).logSumExp, [x])),
  ).toThrow(TapeError);
  dispose();
});

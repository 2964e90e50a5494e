import { add, type Device, keep, type Tensor, tensor } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { createAdamW, type StepInputs, trainStep } from '@qsparse/training';
import { expect, test } from 'vitest';
import { type Bigram, bigram } from './bigram.ts';
import { countingBatches } from './counting-batches.ts';

const RATES = { learningRate: 0.05, weightDecay: 0.1, clipNorm: 1 };

function setUp(device: Device, { rows = 4, microBatches = 1 } = {}) {
  const model = bigram(device);
  const optimizer = createAdamW(model.arena);
  const batches = countingBatches({ rows });
  const step = trainStep(model, optimizer, microBatches);
  let count = 0;
  const next = (run: (inputs: StepInputs) => { loss: Tensor; norm: Tensor } = step) => {
    const { tokens, targets, shape } = batches.next();
    const inputs = {
      tokens: keep(tensor(device, tokens, shape, 'i32')),
      targets: keep(tensor(device, targets, shape, 'i32')),
      hyper: keep(tensor(device, optimizer.hyper({ ...RATES, step: count++ }), [8])),
    };
    const result = run(inputs);
    for (const input of Object.values(inputs)) input.dispose();
    return Promise.all([result.loss.item(), result.norm.item()]);
  };
  return { model, optimizer, step, next };
}

const weights = ({ arena }: Bigram) => arena.values.data();

test('it learns', async () => {
  const { next } = setUp(referenceDevice());
  const losses: number[] = [];
  for (let i = 0; i < 60; i++) losses.push((await next())[0]);
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
});

test('micro-batches give the loss, the norm and the update of the whole batch', async () => {
  const whole = setUp(referenceDevice());
  const parts = setUp(referenceDevice(), { microBatches: 4 });
  for (let i = 0; i < 5; i++) {
    const [loss, norm] = await whole.next();
    const [partLoss, partNorm] = await parts.next();
    expect(partLoss).toBeCloseTo(loss, 6);
    expect(partNorm).toBeCloseTo(norm, 6);
  }
  const expected = await weights(whole.model);
  (await weights(parts.model)).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
});

test('a replayed step gives the same bits as an eager one', async () => {
  const captured = setUp(referenceDevice(), { microBatches: 2 });
  const eager = setUp(referenceDevice(), { microBatches: 2 });
  for (let i = 0; i < 6; i++) {
    // A fresh capture runs its first call without recording.
    const once = trainStep(eager.model, eager.optimizer, 2);
    expect(await captured.next()).toEqual(await eager.next(once));
    once.dispose();
  }
  expect(captured.step.program).toBeDefined();
  expect(await weights(captured.model)).toEqual(await weights(eager.model));
});

test('nothing grows over 1,000 steps', async () => {
  for (const device of [referenceDevice(), nullDevice()]) {
    const { next } = setUp(device, { microBatches: 2 });
    for (let i = 0; i < 3; i++) await next();
    const before = device.memory();
    for (let i = 0; i < 1000; i++) await next();
    expect(device.memory()).toEqual(before);
  }
});

test('the launches of a step: one zeroing, one norm, two updates, one sum a micro-batch', () => {
  const device = nullDevice();
  const { next } = setUp(device, { microBatches: 2 });
  void next();
  void next();
  device.resetCounts();
  void next();
  expect(device.counts().launches).toMatchObject({
    'cross-entropy': 2,
    'global-norm': 1,
    adamw: 2,
    accumulate: 2,
  });
});

test.each([Number.POSITIVE_INFINITY, Number.NaN])(
  'a loss of %d with finite gradients changes no weight and no moment',
  async (value) => {
    const device = referenceDevice();
    const model = bigram(device);
    const before = await weights(model);
    const bad = tensor(device, [value], []);
    const optimizer = createAdamW(model.arena);
    const loss: Bigram['loss'] = (tokens, targets) => add(model.loss(tokens, targets), bad);
    const result = trainStep(
      { ...model, loss },
      optimizer,
    )({
      tokens: tensor(device, [1, 2], [1, 2], 'i32'),
      targets: tensor(device, [2, 3], [1, 2], 'i32'),
      hyper: tensor(device, optimizer.hyper({ ...RATES, step: 0 }), [8]),
    });
    expect(await result.loss.item()).toBe(value);
    expect(await result.norm.item()).toBeGreaterThan(0);
    expect(await result.norm.item()).toBeLessThan(100);
    expect(await weights(model)).toEqual(before);
    expect(new Set(device.values(optimizer.m))).toEqual(new Set([0]));
  },
);

test('a target outside the vocabulary changes no weight', async () => {
  const device = referenceDevice();
  const { model, optimizer, step } = setUp(device);
  const before = await weights(model);
  const inputs = {
    tokens: tensor(device, [1, 2], [1, 2], 'i32'),
    targets: tensor(device, [1, 7], [1, 2], 'i32'),
    hyper: tensor(device, optimizer.hyper({ ...RATES, step: 0 }), [8]),
  };
  expect(await step(inputs).loss.item()).toBeNaN();
  expect(await weights(model)).toEqual(before);
});

test('targets that are all ignored move nothing but the decay', async () => {
  const device = referenceDevice();
  const { optimizer, step } = setUp(device);
  const inputs = {
    tokens: tensor(device, [1, 2], [1, 2], 'i32'),
    targets: tensor(device, [-1, -1], [1, 2], 'i32'),
    hyper: tensor(device, optimizer.hyper({ ...RATES, step: 0 }), [8]),
  };
  const { loss, norm } = step(inputs);
  expect([await loss.item(), await norm.item()]).toEqual([0, 0]);
});

import { NonFiniteError, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { nonFiniteStep, requireFiniteWeights } from '../src/non-finite.ts';
import { bigram } from './bigram.ts';

const batch = (first = 1) => ({
  tokens: Int32Array.of(first, 2),
  targets: Int32Array.of(2, 3),
  shape: [1, 2] as const,
});
const failed = { step: 5, loss: Number.NaN, norm: Number.NaN };

test('a damaged weight is named', async () => {
  const model = bigram(referenceDevice());
  write(model.head, new Float64Array(model.head.size).fill(Number.NaN));
  const error = await nonFiniteStep(model, batch(), failed);
  expect(error).toBeInstanceOf(NonFiniteError);
  expect(error.message).toBe(
    '[train] step 5: the loss is NaN; the first that are not finite are the weight head; nothing more was saved, checkpoints of earlier steps are intact; lower the learning rate or clip more',
  );
});

test('where the model says that values begin to be not finite, it is named', async () => {
  const { message } = await nonFiniteStep(bigram(referenceDevice()), batch(7), failed);
  expect(message).toContain('the first that are not finite are the values at the embedding;');
});

test('the gradient nearest to the loss is named where all values are finite', async () => {
  const model = bigram(referenceDevice());
  for (const { grad } of [model.embedding, model.norm])
    write(grad, new Float64Array(grad.size).fill(Number.NaN));
  const { message } = await nonFiniteStep(model, batch(), { step: 2, loss: 1, norm: Number.NaN });
  expect(message).toContain(
    'step 2: the gradient norm is NaN; all values are finite, the gradient of norm is the first',
  );
});

test('a target without probability is what remains', async () => {
  const { message } = await nonFiniteStep(bigram(referenceDevice()), batch(), {
    ...failed,
    loss: Number.POSITIVE_INFINITY,
  });
  expect(message).toContain(
    'the loss is Infinity; all values and gradients are finite, so a target has no probability',
  );
});

test('weights must be finite to be saved', async () => {
  const device = referenceDevice();
  const model = bigram(device);
  const before = device.memory().count;
  await requireFiniteWeights(model, 3);
  expect(device.memory().count).toBe(before);
  write(model.norm, [1, 1, Number.POSITIVE_INFINITY, 1, 1]);
  await expect(requireFiniteWeights(model, 3)).rejects.toThrow(NonFiniteError);
  await expect(requireFiniteWeights(model, 3)).rejects.toThrow(
    'step 3: its update made norm infinite or NaN',
  );
});

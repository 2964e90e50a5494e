import { combinedReporter, type Reporter, type StepEntry } from '@qsparse/training';
import { expect, test } from 'vitest';

const entry: StepEntry = {
  ...{ step: 1, loss: 2, learningRate: 1, gradientNorm: 1, tokensPerSecond: 1, tokens: 1 },
};

test('all are told in their order; who takes no text is left out', async () => {
  const told: string[] = [];
  const plain: Reporter = {
    step: async ({ step }) => void told.push(`plain ${step}`),
    close: async () => void told.push('plain closes'),
  };
  const whole: Required<Reporter> = {
    step: async ({ step }) => void told.push(`whole ${step}`),
    text: async (tag, text, step) => void told.push(`${tag} ${text} ${step}`),
    histogram: async (tag, { length }, step) => void told.push(`${tag} ${length} ${step}`),
    close: async () => void told.push('whole closes'),
  };
  const both = combinedReporter([plain, whole]);
  await both.step(entry);
  await both.text?.('sample', 'The', 1);
  await both.histogram?.('weights', [1, 2], 1);
  await both.close();
  expect(told).toEqual(['plain 1', 'whole 1', 'sample The 1', 'weights 2 1', 'plain closes', 'whole closes']);
  expect(Object.keys(combinedReporter([plain]))).toEqual(['step', 'close']);
});

test('an error of one comes out, and all are closed', async () => {
  const closed: number[] = [];
  const failing = (id: number): Reporter => ({
    step: () => Promise.reject(new Error(`step ${id}`)),
    close: async () => {
      closed.push(id);
      throw new Error(`close ${id}`);
    },
  });
  const both = combinedReporter([failing(1), failing(2)]);
  await expect(both.step(entry)).rejects.toThrow('step 1');
  await expect(both.close()).rejects.toThrow('close 1');
  expect(closed).toEqual([1, 2]);
});

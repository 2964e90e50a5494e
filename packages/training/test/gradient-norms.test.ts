import { referenceDevice } from '@qsparse/core/reference';
import { gradientNorms, train } from '@qsparse/training';
import { expect, test } from 'vitest';
import { bigram } from './bigram.ts';
import { countingBatches } from './counting-batches.ts';

const schedule = { kind: 'constant', steps: 5, warmupSteps: 0, peak: 0.05, weightDecay: 0 } as const;

test('between two steps they are those of the step, before clipping', async () => {
  const model = bigram(referenceDevice());
  for await (const { gradientNorm } of train({
    model,
    batches: countingBatches(),
    schedule,
    clipNorm: 0.01,
  })) {
    const norms = await gradientNorms(model.arena);
    expect([...norms.keys()]).toEqual(['embedding', 'norm', 'head']);
    expect(Math.hypot(...norms.values())).toBeCloseTo(gradientNorm, 6);
    const head = await gradientNorms(model.arena, ['head']);
    expect(head).toEqual(new Map([['head', norms.get('head')]]));
  }
});

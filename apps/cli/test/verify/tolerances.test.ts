import type { Capabilities } from '@qsparse/core';
import { DENSE, type DecoderConfig, type LinearConfig } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { tolerancesFor } from '../../src/verify/tolerances.ts';

const caps = (float64: boolean): Capabilities => ({ compute: ['f32'], float64, threads: 1 });
const config = (linear: Partial<LinearConfig>) => ({ linear: { ...DENSE, ...linear } }) as DecoderConfig;
const ternary = { weights: 'ternary', activations: 'int8' } as const;
const topK = { sparsity: { kind: 'top-k', sparsity: 0.5 } } as const;

test('float64 is held to the rounding of the goldens', () => {
  for (const linear of [{}, topK, ternary, { ...ternary, ...topK }])
    expect(tolerancesFor(caps(true), config(linear))).toMatchObject({ logits: 1e-5, gradients: 1e-5 });
  expect(tolerancesFor(caps(true), config(ternary)).losses).toBe(1e-6);
  expect(tolerancesFor(caps(true), config({ ...ternary, ...topK })).losses).toBe(2e-3);
});

test('float32 in full precision is held to 1e-4, its curve to 2e-3; only roundings widen it, and say so', () => {
  for (const linear of [{}, topK])
    expect(tolerancesFor(caps(false), config(linear))).toMatchObject({
      logits: 1e-4,
      gradients: 1e-4,
      losses: 2e-3,
    });
  const rounded = tolerancesFor(caps(false), config(ternary));
  expect(rounded.medianToken).toBe(1e-4);
  expect(rounded.losses).toBeGreaterThan(2e-3);
  expect(rounded.note).toContain('near a tie');
});

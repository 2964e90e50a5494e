import type { RopeScaling } from '@qsparse/core';
import { type JsonObject, readObject } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { formatRopeScaling, parseRopeScaling } from '../src/rope-scaling.ts';

const parse = (json: JsonObject) => parseRopeScaling(readObject(json, 'config.json', 'rope_scaling.'));

test.each<[RopeScaling, JsonObject]>([
  [
    { kind: 'linear', factor: 2 },
    { rope_type: 'linear', factor: 2 },
  ],
  [
    { kind: 'dynamic', factor: 2, originalLength: 64 },
    { rope_type: 'dynamic', factor: 2, original_max_position_embeddings: 64 },
  ],
  [
    { kind: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalLength: 8192 },
    {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
  ],
  [
    {
      kind: 'yarn',
      factor: 4,
      originalLength: 32,
      betaFast: 16,
      mscale: 0.7,
      mscaleAllDim: 0.7,
      truncate: false,
    },
    {
      rope_type: 'yarn',
      factor: 4,
      original_max_position_embeddings: 32,
      beta_fast: 16,
      mscale: 0.7,
      mscale_all_dim: 0.7,
      truncate: false,
    },
  ],
  [
    { kind: 'yarn', factor: 4, originalLength: 32 },
    { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32 },
  ],
])('%#: both directions', (scaling, json) => {
  expect(formatRopeScaling(scaling)).toEqual(json);
  expect(parse(json)).toEqual(scaling);
});

test('default scales nothing, and older files say type', () => {
  expect(parse({ rope_type: 'default' })).toBeUndefined();
  expect(parse({ type: 'linear', factor: 3 })).toEqual({ kind: 'linear', factor: 3 });
});

test('keys of another kind, missing and wrong ones are named', () => {
  expect(() => parse({ rope_type: 'linear', factor: 2, beta_fast: 3 })).toThrow('"rope_scaling.beta_fast"');
  expect(() => parse({ rope_type: 'llama3', factor: 2 })).toThrow(
    '"rope_scaling.low_freq_factor" is required',
  );
  expect(() => parse({ rope_type: 'linear', factor: 'x' })).toThrow('"rope_scaling.factor" must be a number');
  expect(() => parse({ factor: 2 })).toThrow('"rope_scaling.type" is required');
});

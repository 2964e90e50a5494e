import type { RopeScaling } from '@qsparse/core';
import { type JsonObject, readObject } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { formatRopeScaling, parseRope } from '../src/rope-scaling.ts';

const USUAL = { theta: 10_000, contextLength: 128 };
const whole = (json: JsonObject) => parseRope(readObject(json, 'config.json'), USUAL);
const parse = (json: JsonObject) => whole({ rope_scaling: json }).scaling;

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

test('theta and scaling of both forms', () => {
  expect(whole({})).toEqual({ theta: 10_000, scaling: undefined });
  expect(whole({ rope_theta: 5e5, rope_scaling: null })).toEqual({ theta: 5e5, scaling: undefined });
  expect(whole({ rope_parameters: { rope_theta: 5e5 } })).toEqual({ theta: 5e5, scaling: undefined });
  expect(whole({ rope_parameters: { rope_type: 'default' }, rope_theta: 7 })).toEqual({
    theta: 7,
    scaling: undefined,
  });
  expect(
    whole({ rope_parameters: { rope_theta: 5e5, rope_type: 'linear', factor: 2, partial_rotary_factor: 1 } }),
  ).toEqual({ theta: 5e5, scaling: { kind: 'linear', factor: 2 } });
});

test('an original length that the file does not name is its context', () => {
  expect(parse({ rope_type: 'yarn', factor: 4 })).toEqual({ kind: 'yarn', factor: 4, originalLength: 128 });
  expect(parse({ rope_type: 'dynamic', factor: 2 })).toEqual({
    kind: 'dynamic',
    factor: 2,
    originalLength: 128,
  });
});

test.each<[JsonObject, string]>([
  [
    { rope_scaling: { type: 'linear', rope_type: 'yarn', factor: 2 } },
    '"rope_scaling.type" must be what "rope_type"',
  ],
  [
    { rope_parameters: {}, rope_scaling: { type: 'linear', factor: 2 } },
    '"rope_scaling" must be absent beside',
  ],
  [{ rope_parameters: { partial_rotary_factor: 0.5 } }, '"rope_parameters.partial_rotary_factor" must be 1'],
  [{ rope_parameters: { factor: 2 } }, '"rope_parameters.factor"'],
  [{ rope_parameters: { full_attention: { rope_type: 'default' } } }, '"rope_parameters.full_attention"'],
])('%j is refused', (json, message) => {
  expect(() => whole(json)).toThrow(message);
});

import { ValueError } from '@qsparse/core';
import { convertedDecoder } from '@qsparse/models';
import { expect, test } from 'vitest';
import { TERNARY_TOP_K, TINY } from './tiny-model.ts';

const TERNARY = { ...TINY, linear: TERNARY_TOP_K };

test('without options it is the same model', () => {
  expect(convertedDecoder(TERNARY, {})).toEqual({ decoder: TERNARY, form: 'latent' });
});

test('ternary weights bring int8 activations, full ones take them away and keep what was rounded', () => {
  const { decoder, form } = convertedDecoder(TINY, { weights: 'ternary', activation: 'silu' });
  expect(decoder).toMatchObject({ activation: 'silu', linear: { weights: 'ternary', activations: 'int8' } });
  expect(form).toBe('latent');
  const back = convertedDecoder(TERNARY, { weights: 'full' });
  expect(back.decoder.linear).toMatchObject({ weights: 'full', activations: 'full' });
  expect(back.form).toBe('rounded');
  expect(convertedDecoder(TINY, { weights: 'full' }).form).toBe('latent');
});

test('one share for all replaces those of single sites', () => {
  const bySite = { 'layers.0.o': { kind: 'dense' } } as const;
  const { decoder } = convertedDecoder(TERNARY, { sparsityBySite: bySite });
  expect(decoder.linear).toMatchObject({ sparsity: TERNARY_TOP_K.sparsity, sparsityBySite: bySite });
  expect(convertedDecoder(decoder, {}).decoder.linear.sparsityBySite).toEqual(bySite);
  const uniform = convertedDecoder(decoder, { sparsity: { kind: 'block', keep: 2, block: 4 } });
  expect(uniform.decoder.linear.sparsityBySite).toBeUndefined();
});

test('a selection that does not fit is refused', () => {
  expect(() => convertedDecoder(TINY, { sparsity: { kind: 'block', keep: 4, block: 8 } })).toThrow(
    ValueError,
  );
});

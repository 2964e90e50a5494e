import { noGrad, type Tensor, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import {
  createCache,
  createPackedDecoder,
  DENSE,
  type Decoder,
  decoderParams,
  initialize,
  type LinearConfig,
  logits,
  type PackedSource,
  packDecoder,
} from '@qsparse/layers';
import { expect, test } from 'vitest';
import { someTokens, tinyModel } from './tiny-model.ts';

const TERNARY: LinearConfig = {
  ...DENSE,
  sparsity: { kind: 'top-k', sparsity: 0.6 },
  weights: 'ternary',
  activations: 'int8',
};
const device = referenceDevice();
const read = (x: Tensor) => Array.from(device.values(x));

/** The same model twice: with its weights, and with the packed ones alone. */
async function both(): Promise<{ whole: Decoder; packed: Decoder }> {
  const whole = tinyModel(device, { linear: TERNARY, biases: ['qkv'], queryKeyNorm: true });
  const form = await packDecoder(whole);
  const packed = await createPackedDecoder(device, whole.config, (layer, matrix, { sections }) => {
    const { w, scales } = form.blocks[layer]![matrix];
    const ends = sections.map((_, i) => sections.slice(0, i + 1).reduce((sum, rows) => sum + rows, 0));
    return {
      bytes: Int8Array.from(device.values(w)),
      factors: ends.map((end) => device.values(scales!)[end - 1]!),
    };
  });
  for (const [name, param] of packed.arena.params)
    write(param, device.values(whole.arena.params.get(name)!).slice());
  return { whole, packed };
}

test('a prompt, then tokens, as of the model with its weights', async () => {
  const { whole, packed } = await both();
  const tokens = someTokens(device, 2, 5);
  const expected = noGrad(() => read(logits(whole, tokens)));
  const got = noGrad(() => read(logits(packed, tokens)));
  expect(got.length).toBe(expected.length);
  for (const [i, value] of got.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  const cache = createCache(packed, 2);
  cache.seek(0, 5);
  const cached = noGrad(() => read(logits(packed, tokens, { cache })));
  for (const [i, value] of cached.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
});

test('has no linear weights, starts with any first values, and says what it cannot do', async () => {
  const { packed } = await both();
  const names = decoderParams(packed.config).map(({ name }) => name);
  expect([...packed.arena.params.keys()]).toEqual(names.filter((name) => !name.includes('_proj.weight')));
  initialize(packed, 1);
  const tokens = someTokens(device, 1, 2);
  for (const options of [{ observe: () => undefined }, { packed: false }])
    expect(() => logits(packed, tokens, options)).toThrow(
      '[decoderSteps] a decoder that has packed weights alone computes with these, unobserved',
    );
  await expect(packDecoder(packed)).rejects.toThrow('the decoder has packed weights alone already');
});

test('refuses what does not fit, and keeps nothing', async () => {
  const own = referenceDevice();
  const { config } = tinyModel(device, { linear: TERNARY });
  const before = own.memory();
  const source =
    (change: (bytes: number) => number, factor = 1): PackedSource =>
    (layer, matrix, { inputs, outputs, sections }) => {
      const length = inputs * Math.ceil(outputs / 256) * 64;
      return {
        bytes: new Uint8Array(matrix === 'down' && layer === 1 ? change(length) : length),
        factors: sections.map(() => factor),
      };
    };
  await expect(
    createPackedDecoder(
      own,
      config,
      source((length) => length - 1),
    ),
  ).rejects.toThrow('layers.1 down needs');
  await expect(
    createPackedDecoder(
      own,
      config,
      source((length) => length, Number.NaN),
    ),
  ).rejects.toThrow('finite factors');
  const plain = { ...config, linear: DENSE };
  await expect(
    createPackedDecoder(
      own,
      plain,
      source((length) => length),
    ),
  ).rejects.toThrow('takes ternary weights with int8 activations, got full and full');
  expect({ ...own.memory(), peak: 0, free: 0 }).toEqual({ ...before, peak: 0, free: 0 });
});

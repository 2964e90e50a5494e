import { noGrad, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { type TensorToWrite, toFloats } from '@qsparse/formats';
import { createDecoder, type DecoderConfig, logits } from '@qsparse/layers';
import { loadWeights, parseModelConfig, storedWeights, type WeightForm } from '@qsparse/models';
import { unpackHfBitnet } from '@qsparse/quantizers';
import { expect, test } from 'vitest';
import {
  BITNET,
  CONFIGS,
  packed,
  randomTensors,
  storeOf,
  TERNARY,
  ternaryTensors,
  toWrite,
} from './checkpoints.ts';

const device = referenceDevice();
const bitnet = parseModelConfig({ ...BITNET, quantization_config: TERNARY.multiplies }).decoder;
const QUERY = 'model.layers.1.self_attn.q_proj.weight';

async function dataOf(tensors: readonly TensorToWrite[], name: string) {
  const { dtype, shape, data } = tensors.find((each) => each.name === name)!;
  return { name, dtype, shape, data: typeof data === 'function' ? await data() : data };
}

async function scoresOf(config: DecoderConfig, tensors: readonly TensorToWrite[], scale?: 'multiplies') {
  const model = createDecoder(device, config);
  await loadWeights(model, await storeOf(tensors), { ternaryScale: scale });
  return Array.from(await noGrad(() => logits(model, tensor(device, [1, 2, 3, 4, 5], [1, 5], 'i32'))).data());
}

test('floats stay as they are, in dtype and bits; what is no parameter is left out', async () => {
  const config = { ...CONFIGS.llama!, tie_word_embeddings: true };
  const tensors = randomTensors(config);
  const written = [...tensors].map(([name, values]) => toWrite(name, values, 'bf16'));
  const head = { ...written[0]!, name: 'lm_head.weight' };
  const given = storedWeights(parseModelConfig(config).decoder, await storeOf([...written, head]));
  expect(given.map(({ name }) => name).sort()).toEqual([...tensors.keys()].sort());
  for (const { name, data } of written)
    expect(await dataOf(given, name)).toMatchObject({ dtype: 'bf16', data });
});

test.each<WeightForm>(['latent', 'rounded', 'packed'])(
  '%s: ternary weights of every way to store them are the same',
  async (form) => {
    const plain = ternaryTensors(BITNET, 'multiplies');
    const expected = await scoresOf(
      bitnet,
      [...plain].map(([name, values]) => toWrite(name, values)),
      'multiplies',
    );
    for (const kind of ['multiplies', 'divides'] as const) {
      for (const isPacked of [true, false]) {
        const tensors = [...ternaryTensors(BITNET, kind)].map(([name, values]): TensorToWrite => {
          if (!isPacked || !name.endsWith('_proj.weight')) return toWrite(name, values);
          const [rows = 0, width = 0] = values.shape;
          return { name, dtype: 'u8', shape: [rows / 4, width], data: packed(values) };
        });
        const given = storedWeights(bitnet, await storeOf(tensors), { ternaryScale: kind, form });
        const query = await dataOf(given, QUERY);
        const [outputs, inputs] = plain.get(QUERY)!.shape as [number, number];
        // Their zeros have a sign.
        const data = Array.from(plain.get(QUERY)!.data, (value) => value + 0);
        if (form === 'packed') {
          expect(Array.from(unpackHfBitnet(query.data as Uint8Array, outputs, inputs))).toEqual(data);
        } else {
          const floats = toFloats(query as Parameters<typeof toFloats>[0]);
          expect(Array.from(floats, (value) => Math.sign(value) + 0)).toEqual(data);
        }
        const config: DecoderConfig =
          form === 'rounded' ? { ...bitnet, linear: { ...bitnet.linear, weights: 'full' } } : bitnet;
        const scores = await scoresOf(config, given, form === 'packed' ? 'multiplies' : undefined);
        const largest = Math.max(...expected.map(Math.abs));
        for (const [i, score] of scores.entries())
          expect(Math.abs(score - expected[i]!)).toBeLessThan(0.02 * largest);
      }
    }
  },
);

test('full weights are rounded as ternarize rounds them', async () => {
  const tensors = [...randomTensors(BITNET)].map(([name, values]) => toWrite(name, values));
  const config: DecoderConfig = { ...bitnet, linear: { ...bitnet.linear, activations: 'full' } };
  const rounded = storedWeights(config, await storeOf(tensors), { form: 'rounded' });
  const scores = await scoresOf({ ...config, linear: { ...config.linear, weights: 'full' } }, rounded);
  for (const [i, score] of (await scoresOf(config, tensors)).entries())
    expect(scores[i]).toBeCloseTo(score, 4);
});

test('a store of another model is refused at once', async () => {
  const tensors = [...randomTensors(CONFIGS.llama!)].map(([name, values]) => toWrite(name, values));
  const store = await storeOf(tensors);
  expect(() => storedWeights(parseModelConfig(CONFIGS.qwen3!).decoder, store)).toThrow(
    'tensor "model.layers.0.self_attn.q_proj.weight" must have shape [24, 16]',
  );
});

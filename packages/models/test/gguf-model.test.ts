import { noGrad, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { bytesReader, memorySink, type TensorToWrite, toFloat32 } from '@qsparse/formats';
import { ggufTensors, llamaMetadata, type WritableType, writeGguf } from '@qsparse/formats/gguf';
import { createDecoder, type Decoder, type DecoderConfig, logits } from '@qsparse/layers';
import {
  ggufForm,
  loadGgufModel,
  loadWeights,
  openGgufModel,
  parseModelConfig,
  storedWeights,
} from '@qsparse/models';
import { expect, test } from 'vitest';
import { BITNET, CONFIGS, randomTensors, storeOf, TERNARY, toWrite } from './checkpoints.ts';

const device = referenceDevice();

async function ggufOf(config: DecoderConfig, tensors: readonly TensorToWrite[], type: WritableType) {
  const { model, extra } = ggufForm(config, { type });
  const sink = memorySink();
  await writeGguf(sink, [...extra, ...ggufTensors(model, tensors, { type })], {
    metadata: llamaMetadata(model),
  });
  return bytesReader(sink.bytes(), 'tiny.gguf');
}

function scoresOf(model: Decoder): number[] {
  const ids = tensor(device, [1, 2, 3, 4, 5], [1, 5], 'i32');
  return Array.from(device.values(noGrad(() => logits(model, ids))));
}

const WRITTEN = [
  'llama',
  'llama, biases, tied',
  'llama, linear',
  'llama, llama3',
  'llama, yarn',
  'mistral',
  'qwen2',
  'qwen3',
];

test.each(WRITTEN)('%s comes back from a file as the same decoder, with its weights', async (name) => {
  const { decoder } = parseModelConfig(CONFIGS[name]!);
  const store = await storeOf(
    [...randomTensors(CONFIGS[name]!)].map(([key, values]) => toWrite(key, values)),
  );
  const given = createDecoder(device, decoder);
  await loadWeights(given, store);
  const opened = await openGgufModel(await ggufOf(decoder, storedWeights(decoder, store), 'F32'));
  // Other parameters can give the same factors of rotary positions.
  const llama3 = expect.objectContaining({ kind: 'llama3', factor: 8 });
  expect(opened.decoder).toEqual({
    ...decoder,
    ropeScaling: decoder.ropeScaling?.kind === 'llama3' ? llama3 : decoder.ropeScaling,
  });
  const { model, config } = await loadGgufModel(opened, device, { contextLength: 8 });
  expect(config).toMatchObject({ ternaryScale: undefined, decoder: { contextLength: 8 } });
  const [expected, scores] = [scoresOf(given), scoresOf(model)];
  for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(expected[i]!, 6);
});

test('two bits: a ternary model whose weights round to those of the file', async () => {
  const config = { ...BITNET, hidden_size: 256, intermediate_size: 256, quantization_config: TERNARY.online };
  const { decoder } = parseModelConfig(config);
  const store = await storeOf([...randomTensors(config)].map(([key, values]) => toWrite(key, values)));
  const rounded = storedWeights(decoder, store, { form: 'rounded' });
  const opened = await openGgufModel(await ggufOf(decoder, rounded, 'TQ1_0'));
  expect(opened.llama.architecture).toBe('bitnet-b1.58');
  expect(opened.decoder.linear).toEqual(decoder.linear);
  const { model } = await loadGgufModel(opened, device);
  const name = 'model.layers.1.mlp.down_proj.weight';
  const { data } = rounded.find((each) => each.name === name)!;
  const wanted = (await (data as () => Promise<Float32Array>)()) as Float32Array;
  const weights = Array.from(await model.arena.params.get(name)!.data());
  expect(weights.map(Math.sign)).toEqual(Array.from(wanted, Math.sign));
  const mean = weights.reduce((sum, value) => sum + Math.abs(value), 0) / weights.length;
  const scale = Math.max(...toFloat32({ name, dtype: 'f32', data: wanted as Float32Array<ArrayBuffer> }));
  expect(mean / scale).toBeCloseTo(1, 3);
});

test('a file that lacks a tensor is refused by its name', async () => {
  const { decoder } = parseModelConfig(CONFIGS.llama!);
  const tensors = [...randomTensors(CONFIGS.llama!)].map(([key, values]) => toWrite(key, values));
  const reader = await ggufOf(decoder, tensors.slice(0, -2), 'F32');
  await expect(openGgufModel(reader).then((opened) => loadGgufModel(opened, device))).rejects.toThrow(
    'model.norm.weight',
  );
  await expect(openGgufModel(bytesReader(new Uint8Array(100), 'x.gguf'))).rejects.toThrow('x.gguf');
});

import { referenceDevice } from '@qsparse/core/reference';
import {
  bytesReader,
  FormatError,
  f32ToBf16,
  memorySink,
  openSafetensors,
  type TensorStore,
  type TensorToWrite,
  writeSafetensors,
} from '@qsparse/formats';
import type { Decoder } from '@qsparse/layers';
import { checkWeights, loadWeights, weightsOf } from '@qsparse/models';
import { expect, test } from 'vitest';
import { TINY, tinyModel } from './tiny-model.ts';

async function storeOf(tensors: readonly TensorToWrite[]): Promise<TensorStore> {
  const sink = memorySink();
  await writeSafetensors(sink, tensors);
  return openSafetensors(bytesReader(sink.bytes(), 'model.safetensors'));
}

const valuesOf = async (model: Decoder) =>
  Promise.all([...model.arena.params.values()].map(async (param) => [...(await param.data())]));

test('weights come back as they were, f32', async () => {
  const model = tinyModel(referenceDevice());
  const loaded = tinyModel(referenceDevice(), { layers: 2 });
  loaded.device.write(loaded.arena.values, new Float64Array(loaded.arena.values.size));
  await loadWeights(loaded, await storeOf(weightsOf(model)));
  expect(await valuesOf(loaded)).toEqual(await valuesOf(model));
});

test('bf16 is widened; f64 arrives unrounded where the device holds float64', async () => {
  const device = referenceDevice();
  const model = tinyModel(device);
  const third = new Float64Array(8).fill(1 / 3);
  const tensors = weightsOf(model).map((tensor): TensorToWrite => {
    if (tensor.name === 'model.norm.weight') return { ...tensor, dtype: 'f64', data: third };
    if (tensor.name !== 'lm_head.weight') return tensor;
    return { ...tensor, dtype: 'bf16', data: f32ToBf16(new Float32Array(23 * 8).fill(1.5)) };
  });
  await loadWeights(model, await storeOf(tensors));
  expect(device.values(model.finalNorm)[0]).toBe(1 / 3);
  expect([...new Set(await model.head.data())]).toEqual([1.5]);
});

const without = (name: string) => (tensors: TensorToWrite[]) =>
  tensors.filter((tensor) => tensor.name !== name);
const renamed = (from: string, to: string) => (tensors: TensorToWrite[]) =>
  tensors.map((tensor) => (tensor.name === from ? { ...tensor, name: to } : tensor));
const tensor = (name: string, shape: number[], dtype: 'f32' | 'i8' = 'f32'): TensorToWrite => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { name, shape, dtype, data: dtype === 'f32' ? new Float32Array(size) : new Int8Array(size) };
};
const replaced = (by: TensorToWrite) => (tensors: TensorToWrite[]) =>
  tensors.map((old) => (old.name === by.name ? by : old));

test.each<[string, (tensors: TensorToWrite[]) => TensorToWrite[], string]>([
  [
    'missing-tensor',
    without('model.norm.weight'),
    'tensor "model.norm.weight" [8] is missing; check that config.json',
  ],
  [
    'missing-tensor',
    renamed('model.layers.1.mlp.up_proj.weight', 'model.layers.1.mlp.up_prj.weight'),
    'is missing, there is "model.layers.1.mlp.up_prj.weight"',
  ],
  [
    'unexpected-tensor',
    (tensors) => [...tensors, tensor('model.layers.2.mlp.up_proj.weight', [12, 8])],
    'tensor "model.layers.2.mlp.up_proj.weight" belongs to no parameter of this model',
  ],
  [
    'unexpected-tensor',
    (tensors) => [...tensors, tensor('a\nb', [1])],
    'tensor "a\\nb" belongs to no parameter',
  ],
  [
    'shape',
    replaced(tensor('lm_head.weight', [8, 23])),
    'tensor "lm_head.weight" must have shape [23, 8], got [8, 23]',
  ],
  ['dtype', replaced(tensor('lm_head.weight', [23, 8], 'i8')), 'must be one of f32, bf16, f16, f64, got i8'],
])('%s: the tensor is named and nothing has changed', async (code, change, message) => {
  const model = tinyModel(referenceDevice());
  const before = await valuesOf(model);
  const damaged = change(weightsOf(tinyModel(referenceDevice())));
  const store = await storeOf(damaged);
  const error = await loadWeights(model, store).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect(error).toMatchObject({ code, file: 'model.safetensors' });
  expect((error as FormatError).message).toContain(`[load] model.safetensors: `);
  expect((error as FormatError).message).toContain(message);
  expect((error as FormatError).message).not.toContain('\n');
  expect(await valuesOf(model)).toEqual(before);
  expect(() => checkWeights(TINY, store)).toThrow(message);
});

test('an abort stops the loading with its own reason', async () => {
  const model = tinyModel(referenceDevice());
  const store = await storeOf(weightsOf(model));
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(loadWeights(model, store, { signal })).rejects.toThrow('enough');
});

import { type Device, normal, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { FormatError, type TensorToWrite } from '@qsparse/formats';
import { checkpointTensors, createAdamW, restore } from '@qsparse/training';
import { expect, test } from 'vitest';
import { bigram } from './bigram.ts';
import { memoryStore } from './memory-store.ts';

const STATE = { step: 3, tokens: 9, position: { epoch: 1, row: 2 }, fingerprint: 'f' };

function filled(device: Device, seed: number) {
  const model = bigram(device);
  const optimizer = createAdamW(model.arena);
  for (const [stream, flat] of [model.arena.values, optimizer.m, optimizer.v].entries())
    write(flat, normal(seed, stream, flat.size));
  return { model, optimizer };
}

test('weights and both moments come back unrounded', async () => {
  const device = referenceDevice();
  const before = filled(device, 1);
  const after = filled(device, 2);
  const store = memoryStore();
  await store.save({ state: STATE, ...checkpointTensors(before.model.arena, before.optimizer) });
  const stored = (await store.latest())!;
  expect(stored.state).toEqual(STATE);
  expect([...stored.moments.tensors.keys()]).toEqual([
    'm.embedding',
    'm.head',
    'm.norm',
    'v.embedding',
    'v.head',
    'v.norm',
  ]);
  await restore(after.model.arena, after.optimizer, stored);
  for (const name of ['embedding', 'norm', 'head'] as const)
    expect(device.values(after.model[name])).toEqual(device.values(before.model[name]));
  const used = (flat: Float64Array) => [flat.slice(0, 35), flat.slice(64, 64 + 35), flat.slice(128, 128 + 5)];
  for (const moment of ['m', 'v'] as const)
    expect(used(device.values(after.optimizer[moment]))).toEqual(
      used(device.values(before.optimizer[moment])),
    );
});

test('a device of float32 stores float32', () => {
  const device = { ...referenceDevice() };
  const narrow: Device = { ...device, caps: { ...device.caps, float64: false } };
  const { model, optimizer } = filled(narrow, 1);
  const { weights, moments } = checkpointTensors(model.arena, optimizer);
  expect(new Set([...weights, ...moments].map(({ dtype }) => dtype))).toEqual(new Set(['f32']));
});

type Change = (tensors: readonly TensorToWrite[]) => readonly TensorToWrite[];
const same: Change = (tensors) => tensors;
const drop =
  (name: string): Change =>
  (tensors) =>
    tensors.filter((tensor) => tensor.name !== name);
const put =
  (tensor: TensorToWrite): Change =>
  (tensors) => [...drop(tensor.name)(tensors), tensor];

test.each<[string, Change, Change, string]>([
  ['missing-tensor', drop('norm'), same, 'model.safetensors: tensor "norm" [5] is missing'],
  ['missing-tensor', same, drop('v.norm'), 'optimizer.safetensors: tensor "v.norm" [5] is missing'],
  [
    'shape',
    same,
    put({ name: 'm.norm', dtype: 'f32', shape: [4], data: new Float32Array(4) }),
    'tensor "m.norm" must have shape [5], got [4]',
  ],
  [
    'dtype',
    put({ name: 'norm', dtype: 'i8', shape: [5], data: new Int8Array(5) }),
    same,
    'tensor "norm" must be f32 or f64, got i8',
  ],
  [
    'unexpected-tensor',
    put({ name: 'bias', dtype: 'f32', shape: [5], data: new Float32Array(5) }),
    same,
    'tensor "bias" belongs to nothing here',
  ],
])('%s: named, and nothing has changed', async (code, changeWeights, changeMoments, message) => {
  const device = referenceDevice();
  const { model, optimizer } = filled(device, 1);
  const { weights, moments } = checkpointTensors(model.arena, optimizer);
  const store = memoryStore();
  await store.save({ state: STATE, weights: changeWeights(weights), moments: changeMoments(moments) });
  const other = filled(device, 2);
  const before = [other.model.arena.values, other.optimizer.m].map((flat) => device.values(flat));
  const error = await restore(other.model.arena, other.optimizer, (await store.latest())!).catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(FormatError);
  expect(error).toMatchObject({ code });
  expect((error as FormatError).message).toContain(message);
  expect([other.model.arena.values, other.optimizer.m].map((flat) => device.values(flat))).toEqual(before);
});

test('saving and restoring keep no memory', async () => {
  const device = referenceDevice();
  const { model, optimizer } = filled(device, 1);
  const before = device.memory();
  const store = memoryStore();
  await store.save({ state: STATE, ...checkpointTensors(model.arena, optimizer) });
  await restore(model.arena, optimizer, (await store.latest())!);
  expect(device.memory()).toEqual(before);
});

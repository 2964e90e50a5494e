/**
 * What exact arithmetic gives in bf16: the reference device with the roundings of bf16 and no others. Goldens are full
 * precision, and with a selection bf16 alone is far from them (a near-tie falls the other way and moves a token's whole
 * input): a device in bf16 is held to this instead.
 */
import { backward, type Device, fillWith, noGrad, scope, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { createDecoder, logits, lossOf } from '@qsparse/layers';
import { loadPretrained, loadWeights } from '@qsparse/models';
import { folderFiles } from 'qsparse/node';
import type { Golden } from './golden.ts';

export interface Expected {
  readonly logits: Float32Array;
  /** By the parameter's name. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Logits [B, T, V] of tokens i32 [B, T], from the pretrained model of a folder. */
export async function logitsInBf16(
  folder: string,
  { tokens, shape }: { readonly tokens: Int32Array; readonly shape: readonly number[] },
): Promise<Float32Array> {
  const device: Device = referenceDevice();
  const { model } = await loadPretrained(folderFiles(folder), device, { compute: 'bf16' });
  const ids = tensor(device, tokens, shape, 'i32');
  const scores = noGrad(() => logits(model, ids));
  const expected = Float32Array.from(await scores.data());
  for (const x of [scores, ids]) x.dispose();
  model.dispose();
  device.dispose();
  return expected;
}

/** Logits and gradients of a batch i32 [B, T], from the weights of the folder. */
export async function referenceInBf16(
  { config, weights }: Golden,
  batch: { readonly tokens: Int32Array; readonly targets: Int32Array; readonly shape: readonly number[] },
): Promise<Expected> {
  const device: Device = referenceDevice();
  const model = createDecoder(device, config, { compute: 'bf16' });
  await loadWeights(model, weights);
  const tokens = tensor(device, batch.tokens, batch.shape, 'i32');
  const targets = tensor(device, batch.targets, batch.shape, 'i32');
  const scores = noGrad(() => logits(model, tokens));
  scope(() => {
    fillWith(model.arena.grads, 0);
    backward(lossOf(model, tokens, targets), model.arena.params.values());
  });
  const gradients = new Map<string, Float32Array>();
  for (const [name, { grad }] of model.arena.params) gradients.set(name, (await grad.data()) as Float32Array);
  const expected = { logits: (await scores.data()) as Float32Array, gradients };
  for (const x of [scores, tokens, targets]) x.dispose();
  model.dispose();
  device.dispose();
  return expected;
}

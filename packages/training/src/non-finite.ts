/** Where a NaN or an infinity began, in words. Reads much of the model: only for a run that stops. */
import {
  globalNorm,
  NonFiniteError,
  type Param,
  type ParamArena,
  scope,
  type Tensor,
  tensor,
} from '@qsparse/core';
import type { Batch, Trainable } from './trainable.ts';

/** The error of a step whose loss or gradient norm is not finite, before its update was applied. */
export async function nonFiniteStep(
  model: Trainable,
  batch: Batch,
  { step, loss, norm }: { readonly step: number; readonly loss: number; readonly norm: number },
): Promise<NonFiniteError> {
  const what = Number.isFinite(loss) ? `the gradient norm is ${norm}` : `the loss is ${loss}`;
  return new NonFiniteError('train', `step ${step}: ${what}; ${await placeOf(model, batch)}`, HINT);
}

/** Throws NonFiniteError where a weight is not finite, so that no such checkpoint is ever written. */
export async function requireFiniteWeights({ arena }: Trainable, step: number): Promise<void> {
  const norm = scope(() => globalNorm(arena.values));
  const value = norm.item();
  norm.dispose(); // its read is queued already
  if (Number.isFinite(await value)) return;
  const weight = await firstParam(arena, (param) => param);
  if (weight === undefined) return;
  throw new NonFiniteError('train', `step ${step}: its update made ${weight} infinite or NaN`, HINT);
}

const HINT =
  'nothing more was saved, checkpoints of earlier steps are intact; lower the learning rate or clip more';

async function placeOf(model: Trainable, { tokens, shape }: Batch): Promise<string> {
  const weight = await firstParam(model.arena, (param) => param);
  const uploaded = tensor(model.device, tokens, shape, 'i32');
  const site = await model.firstNonFinite?.(uploaded);
  uploaded.dispose();
  if (weight !== undefined || site !== undefined) {
    const places = [weight && `the weight ${weight}`, site && `the values at ${site}`];
    return `the first that are not finite are ${places.filter(Boolean).join(' and ')}`;
  }
  // The sweep runs from the loss to the embedding: the last parameter of the model is reached first.
  const gradient = await firstParam(model.arena, (param) => param.grad, { fromTheEnd: true });
  if (gradient !== undefined)
    return `all values are finite, the gradient of ${gradient} is the first that is not`;
  return 'all values and gradients are finite, so a target has no probability';
}

async function firstParam(
  { params }: ParamArena,
  part: (param: Param) => Tensor,
  { fromTheEnd = false }: { readonly fromTheEnd?: boolean } = {},
): Promise<string | undefined> {
  const entries = [...params];
  if (fromTheEnd) entries.reverse();
  for (const [name, param] of entries) {
    const values = await part(param).data();
    if (!values.every((value: number) => Number.isFinite(value))) return name;
  }
  return undefined;
}

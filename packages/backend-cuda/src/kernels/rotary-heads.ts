import { DTYPES, positionStep, rotaryHeadsAppendOp, rotaryHeadsOp, type View } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const rotaryHeads: CudaKernel = cudaKernel(
  rotaryHeadsOp,
  ({ x, table, position }, { query, key, value }, _attrs, context) => {
    const args = {
      ...{ x: at(x), table: at(table), position: at(position) },
      ...{ query: at(query), key: at(key), value: at(value) },
      ...rotaryHeadsSizes(query, key, table),
      ...{ positionStep: positionStep(position), place: 0, placeStep: 0, room: 0 },
      wide: canBeWide(query, [x, table, query, key, value]) ? 1 : 0,
    };
    context.launch(x.dtype === 'f32' ? 'rotary_heads_f32' : 'rotary_heads_bf16', args, gridOver(context, x));
  },
);

export const rotaryHeadsAppend: CudaKernel = cudaKernel(
  rotaryHeadsAppendOp,
  ({ x, table, position, keys, values, place }, { query }, _attrs, context) => {
    const args = {
      ...{ x: at(x), table: at(table), position: at(position), place: at(place) },
      ...{ query: at(query), key: at(keys), value: at(values) },
      ...rotaryHeadsSizes(query, keys, table),
      ...{ positionStep: positionStep(position), placeStep: positionStep(place), room: keys.shape[1]! },
      wide: canBeWide(query, [x, table, query, keys, values]) ? 1 : 0,
    };
    const kernel = x.dtype === 'f32' ? 'rotary_heads_f32' : 'rotary_heads_bf16';
    context.launch(kernel, args, gridOver(context, x), { early: true });
  },
);

/** From query [B, T, H, D], key [B, T, G, D] and the table, or their gradients. */
export function rotaryHeadsSizes(
  { shape }: View,
  key: View,
  table: View,
): Readonly<Record<'rows' | 'tokens' | 'heads' | 'groups' | 'size' | 'length', number>> {
  const [batch, tokens, heads, size] = shape as [number, number, number, number];
  return { rows: batch * tokens, tokens, heads, groups: key.shape[2]!, size, length: table.shape[0]! };
}

/** Whether a half of each head is whole vectors of 16 bytes, and all addresses are multiples of that. */
export function canBeWide(query: View, all: readonly View[]): boolean {
  const halfBytes = (query.shape[3]! / 2) * (DTYPES[query.dtype].bits / 8);
  return halfBytes % 16 === 0 && all.every((view) => at(view) % 16 === 0);
}

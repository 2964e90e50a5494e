import { positionStep, rotaryHeadsAppendOp, rotaryHeadsOp, type View } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel, type Launch } from '../launch.ts';

/** x with its parts: the tensors of either direction. */
export type RotaryViews = Readonly<Record<'x' | 'query' | 'key' | 'value' | 'table', View>> & {
  readonly position?: View | undefined;
  /** Where in `key` and `value`, which are caches then, the first token goes. */
  readonly place?: View | undefined;
};

/** One kernel does both directions, and writes to caches. */
export function rotaryLaunch(
  { x, query, key, value, table, position, place }: RotaryViews,
  backward: 0 | 1,
): Launch {
  const [batch, tokens, heads, size] = query.shape as [number, number, number, number];
  const groups = key.shape[2]!;
  const rows = batch * tokens;
  const args = {
    ...{ x: at(x), table: at(table), position: at(position), place: at(place) },
    ...{ query: at(query), key: at(key), value: at(value) },
    ...{ rows, tokens, heads, groups, size, length: table.shape[0]!, backward },
    ...{ room: key.shape[1]!, placeStep: positionStep(place), positionStep: positionStep(position) },
  };
  return call('rotary_heads', args, rows * (heads + 2 * groups) * size);
}

export const rotaryHeads: CpuKernel = cpuKernel(rotaryHeadsOp, (ins, outs) => [
  rotaryLaunch({ ...ins, ...outs }, 0),
]);

export const rotaryHeadsAppend: CpuKernel = cpuKernel(
  rotaryHeadsAppendOp,
  ({ keys: key, values: value, ...ins }, outs) => [rotaryLaunch({ ...ins, ...outs, key, value }, 0)],
);

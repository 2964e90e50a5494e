import { positionStep, rotaryHeadsOp, type View } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel, type Launch } from '../launch.ts';

/** x with its parts: the tensors of either direction. */
export type RotaryViews = Readonly<Record<'x' | 'query' | 'key' | 'value' | 'table', View>> & {
  readonly position?: View | undefined;
};

/** One kernel does both directions. */
export function rotaryLaunch(
  { x, query, key, value, table, position }: RotaryViews,
  backward: 0 | 1,
): Launch {
  const [batch, tokens, heads, size] = query.shape as [number, number, number, number];
  const groups = key.shape[2]!;
  const rows = batch * tokens;
  const args = {
    ...{ x: at(x), table: at(table), position: at(position) },
    ...{ query: at(query), key: at(key), value: at(value) },
    ...{ rows, tokens, heads, groups, size, length: table.shape[0]!, backward },
    positionStep: positionStep(position),
  };
  return call('rotary_heads', args, rows * (heads + 2 * groups) * size);
}

export const rotaryHeads: CpuKernel = cpuKernel(rotaryHeadsOp, (ins, outs) => [
  rotaryLaunch({ ...ins, ...outs }, 0),
]);

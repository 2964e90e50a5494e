/** Two ops, one kernel: the gated one makes its rows first. */
import { asRows, type Inputs, type View } from '@qsparse/core';
import {
  type GatedSparsifyAttrs,
  gatedSparsifyListOp,
  type SparsifyAttrs,
  sparsifyListOp,
} from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel, type Launch, type LaunchContext } from '../launch.ts';
import { listAddresses } from './compact.ts';
import { GATED_KINDS, GATED_WORK } from './gated-activation.ts';
import { SPARSIFY_WORK } from './sparsify.ts';

/** Entries of a row that the scratch memory of a thread holds, beside a mask. */
const SCRATCH_ENTRIES = 250_000;
const FLOAT_BYTES = 4;

type Outputs = Readonly<Record<'indices' | 'values' | 'count' | 'scale', View>>;

function launch(
  { x, weight }: Inputs<View, 'x', 'weight'>,
  outs: Outputs,
  { k, block, int8, normalize, epsilon, kind }: SparsifyAttrs & Partial<GatedSparsifyAttrs>,
  context: LaunchContext,
): readonly Launch[] {
  const { rows, width: whole } = asRows(x.shape);
  const width = kind ? whole / 2 : whole;
  const isWide = width > SCRATCH_ENTRIES;
  const args = {
    ...{ x: at(x), weight: at(weight), ...listAddresses(outs, int8), rows, width },
    ...{ selected: isWide ? context.temporary(rows * width * FLOAT_BYTES) : 0 },
    ...{ places: outs.indices.shape.at(-1)!, gated: kind ? 1 : 0, kind: kind ? GATED_KINDS[kind] : 0 },
    ...{ plain: kind && k === (block || width) && !int8 && !normalize ? 1 : 0 },
    ...{ keep: k, block, int8: int8 ? 1 : 0, normalize: normalize ? 1 : 0, epsilon },
  };
  const work = SPARSIFY_WORK + (kind ? GATED_WORK[kind] : 0);
  return [call('sparsify_list', args, rows > 1 ? work * rows * width : 0)];
}

export const sparsifyList: CpuKernel = cpuKernel(sparsifyListOp, launch);
export const gatedSparsifyList: CpuKernel = cpuKernel(gatedSparsifyListOp, launch);

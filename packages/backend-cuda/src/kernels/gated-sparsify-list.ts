import { asRows } from '@qsparse/core';
import { gatedSparsifyListOp } from '@qsparse/quantizers';
import { type CudaKernel, cudaKernel } from '../launch.ts';
import { launchCompact } from './compact.ts';
import { GATED_KINDS, halfGates, launchGates } from './gated-activation.ts';
import { FUSED } from './gated-sparsify.ts';
import { rowBlocks } from './row-team.ts';
import { siteTeam } from './sparsify.ts';
import {
  fewRows,
  keptOf,
  LIST_RESIDENT,
  launchLists,
  listArguments,
  temporaryView,
} from './sparsify-list.ts';

export const gatedSparsifyList: CudaKernel = cudaKernel(
  gatedSparsifyListOp,
  ({ x, weight }, outs, attrs, context) => {
    const { kind, k, block, int8, normalize } = attrs;
    const rows = { rows: asRows(x.shape).rows, width: x.shape.at(-1)! / 2 };
    const keep = keptOf(k, block, rows.width);
    const isPlain = !normalize && !int8 && keep === rows.width;
    const site = { x, y: x, weight, k, block, output: int8 ? 'levels' : 'values' } as const;
    const team = siteTeam(site, rows.width);
    if (team !== 'any' && x.dtype === 'bf16' && FUSED.includes(kind)) {
      const inverseRms = normalize ? temporaryView([rows.rows], 'f32', context) : undefined;
      const args = {
        ...listArguments({ x, weight, inverseRms }, outs, rows, attrs),
        ...{ kind: GATED_KINDS[kind], poisons: isPlain ? 0 : 1 },
      };
      const few = fewRows(rows, context);
      if (few) {
        const options = { ...few.options, early: true };
        return context.launch(`gated_sparsify_list_few_${few.held}`, args, [rows.rows], options);
      }
      const grid = [rowBlocks(team, rows.rows, LIST_RESIDENT, context)] as const;
      return context.launch(`gated_sparsify_list_${team}`, args, grid, { early: true });
    }
    const h = temporaryView([rows.rows, rows.width], x.dtype, context);
    launchGates(halfGates(x), h, kind, context);
    if (isPlain) launchCompact(h, outs, int8, context);
    else launchLists(h, weight, outs, attrs, context, h);
  },
);

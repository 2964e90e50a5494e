import { asRows, type GatedActivationAttrs } from '@qsparse/core';
import { gatedSparsifyOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { GATED_KINDS, halfGates, launchGates } from './gated-activation.ts';
import { type Resident, rowBlocks } from './row-team.ts';
import { launchSite, type RowSite, siteArguments, siteTeam } from './sparsify.ts';

const RESIDENT: Resident = { narrow: 3, warp: 3, warps: 6, block: 2, any: 6 };

/** What gated_sparsify_* and gated_sparsify_list_* compute themselves. */
export const FUSED: readonly GatedActivationAttrs['kind'][] = ['squared-relu', 'silu'];

export const gatedSparsify: CudaKernel = cudaKernel(
  gatedSparsifyOp,
  ({ x, weight }, { y, inverseRms }, { kind, k, block, int8, normalize, epsilon }, context) => {
    const shape = asRows(y.shape);
    const gates = halfGates(x);
    if (!normalize && !int8 && k === (block || shape.width)) return launchGates(gates, y, kind, context);
    const norm = normalize ? { weight, inverseRms, epsilon } : {};
    const site: RowSite = { x: y, y, ...norm, k, block, output: int8 ? 'levels' : 'values' };
    const team = siteTeam({ ...site, x }, shape.width);
    if (team !== 'any' && x.dtype === 'bf16' && FUSED.includes(kind)) {
      const args = { ...siteArguments(site, shape), x: at(x), kind: GATED_KINDS[kind] };
      const blocks = rowBlocks(team, shape.rows, RESIDENT, context);
      return context.launch(`gated_sparsify_${team}`, args, [blocks]);
    }
    // h is rounded as y is: y can hold it on the way.
    launchGates(gates, y, kind, context);
    launchSite(site, shape, context);
  },
);

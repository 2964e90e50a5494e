/** bf16 in the usual head sizes goes through tensor cores, everything else through the general kernel. */
import { attentionOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { attentionNumbers, generalPlan, pairsTogether, tensorWidth } from './attention-sizes.ts';

/** Queries of a block, keys of a tile, tiles of keys and of values in shared memory: attention.cu. */
const QUERIES = 128;
const KEYS = 64;
const TILES = 2;
/** Bytes of keys and values that should stay in the L2 cache while blocks read them. */
const CACHE = 2 ** 24;

export const attention: CudaKernel = cudaKernel(
  attentionOp,
  ({ q, k, v, position }, { y, logSumExp }, attrs, context) => {
    const numbers = attentionNumbers(q, k, attrs);
    const { batch, queries, keys, heads, groups, width } = numbers;
    const addresses = {
      ...{ q: at(q), k: at(k), v: at(v), position: at(position) },
      ...{ y: at(y), logSumExp: at(logSumExp) },
    };
    const fast = tensorWidth(numbers, [q, k, v, y], context.computeCapability);
    if (fast) {
      const pairs = batch * heads;
      const together = pairsTogether(pairs, (4 * keys * width * groups) / heads, CACHE);
      const shared = (QUERIES + 2 * TILES * KEYS) * width * 2;
      const { width: _, ...sizes } = numbers;
      const blocks = pairs * Math.ceil(queries / QUERIES);
      context.launch(`attention_${fast}_bf16`, { ...addresses, ...sizes, together }, [blocks], { shared });
      return;
    }
    const { batch: _, ...sizes } = numbers;
    const { columns, grid } = generalPlan(width, batch * heads, queries);
    const args = { ...addresses, ...sizes };
    context.launch(
      q.dtype === 'f32' ? `attention_general_${columns}_f32` : `attention_general_${columns}_bf16`,
      args,
      grid,
    );
  },
);

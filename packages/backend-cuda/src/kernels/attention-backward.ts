/** As attention.ts; a position, which only decoding has, goes through the general kernels. */
import { attentionBackwardOp, positionStep } from '@qsparse/core';
import type { KernelName } from '../generated/kernel-arguments.ts';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import {
  attentionNumbers,
  generalPlan,
  mostShared,
  pairsTogether,
  type TensorWidth,
  tensorWidth,
} from './attention-sizes.ts';

type TensorKernel = KernelName & `attention_backward_${string}`;

/** Sizes of attention-backward-tiles.cuh: keys of a block, queries of a tile, tiles of queries in shared memory. */
interface Sizes {
  readonly kernel: TensorKernel;
  /** The one for queries with first keys. */
  readonly withFirst: TensorKernel;
  readonly keys: number;
  readonly queries: number;
  readonly stages: number;
}
/** What fits is taken, first ones first. */
const SIZES: Readonly<Record<TensorWidth, readonly Sizes[]>> = {
  32: [
    {
      kernel: 'attention_backward_32_bf16',
      withFirst: 'attention_backward_32_first_bf16',
      ...{ keys: 128, queries: 64, stages: 2 },
    },
  ],
  64: [
    {
      kernel: 'attention_backward_64_bf16',
      withFirst: 'attention_backward_64_first_bf16',
      ...{ keys: 128, queries: 64, stages: 2 },
    },
  ],
  96: [
    {
      kernel: 'attention_backward_96_bf16',
      withFirst: 'attention_backward_96_first_bf16',
      ...{ keys: 128, queries: 64, stages: 2 },
    },
    {
      kernel: 'attention_backward_96_small_bf16',
      withFirst: 'attention_backward_96_small_first_bf16',
      ...{ keys: 128, queries: 64, stages: 1 },
    },
  ],
  128: [
    {
      kernel: 'attention_backward_128_bf16',
      withFirst: 'attention_backward_128_first_bf16',
      ...{ keys: 128, queries: 64, stages: 2 },
    },
    {
      kernel: 'attention_backward_128_small_bf16',
      withFirst: 'attention_backward_128_small_first_bf16',
      ...{ keys: 128, queries: 32, stages: 1 },
    },
  ],
};
/** Bytes of what blocks read and add to that should stay in the L2 cache. */
const CACHE = 24 * 2 ** 20;
/** Rows of a block of attention-rows.cu. */
const ROWS = 32;
/** What a block of attention-backward.cu knows of its place. */
const PLACE = 48;

export const attentionBackward: CudaKernel = cudaKernel(
  attentionBackwardOp,
  ({ dy, q, k, v, y, logSumExp, position, first }, { dq, dk, dv }, attrs, context) => {
    const numbers = attentionNumbers(q, k, attrs);
    const { batch, queries, keys, heads, groups, width } = numbers;
    const inputs = { dy: at(dy), q: at(q), k: at(k), v: at(v) };
    const outputs = { dq: at(dq), dk: at(dk), dv: at(dv) };
    const available = mostShared(context.computeCapability);
    const fast = position
      ? undefined
      : tensorWidth(numbers, [dy, q, k, v, dq, dk, dv], context.computeCapability);
    const sizes = fast && SIZES[fast].find((one) => sharedBytes(one, fast) <= available);

    const tiles = Math.ceil(queries / (sizes?.queries ?? queries));
    const padded = tiles * (sizes?.queries ?? queries);
    const cells = sizes ? batch * heads * tiles + 1 : 0;
    const rows = context.temporary(batch * heads * padded * 8);
    const turns = cells && context.temporary(cells * 4);
    const bounds = sizes && first ? context.temporary(batch * tiles * 8) : 0;
    context.launch(
      q.dtype === 'f32' ? 'attention_rows_f32' : 'attention_rows_bf16',
      {
        ...{ dy: at(dy), y: at(y), logSumExp: at(logSumExp), rows, turns, first: at(first), bounds },
        ...{ batch, queries, padded, heads, width, cells, keys, tile: sizes?.queries ?? queries },
        factor: sizes ? Math.LOG2E : 1,
      },
      [Math.ceil((batch * padded * heads) / ROWS)],
    );

    if (fast && sizes) {
      const { width: _, ...rest } = numbers;
      const pairs = batch * groups;
      const bytes = 4 * keys * width + (heads / groups) * queries * width * 8;
      const partial = context.temporary(batch * heads * padded * width * 4);
      context.launch(
        first ? sizes.withFirst : sizes.kernel,
        {
          ...{ ...inputs, ...outputs, ...rest, rows, partial, turns, first: at(first), bounds },
          together: pairsTogether(pairs, bytes, CACHE),
        },
        [pairs * Math.ceil(keys / sizes.keys)],
        { shared: sharedBytes(sizes, fast) },
      );
      return;
    }
    const { batch: _, ...rest } = numbers;
    const where = { position: at(position), first: at(first), positionStep: positionStep(position) };
    const args = { ...inputs, ...outputs, ...rest, ...where, rows, padded };
    const forKeys = generalPlan(width, batch * groups, keys);
    const forQueries = generalPlan(width, batch * heads, queries);
    const { columns } = forKeys;
    const dtype = q.dtype === 'f32' ? 'f32' : 'bf16';
    context.launch(`attention_keys_${columns}_${dtype}`, args, forKeys.grid);
    context.launch(`attention_queries_${columns}_${dtype}`, args, forQueries.grid);
  },
);

/** Keys and values; queries and dy; gradients of scores; log-sum-exp and dy y. */
function sharedBytes({ keys, queries, stages }: Sizes, width: number): number {
  return 2 * keys * width * 2 + stages * queries * (2 * width * 2 + 8) + keys * queries * 2 + PLACE;
}

/**
 * A handful of rows (decoding) goes through the kernel that splits the keys, bf16 in the usual head sizes through
 * tensor cores, everything else through the general kernel.
 */
import { attentionOp, positionStep } from '@qsparse/core';
import { COUNTERS } from '../counters.ts';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';
import {
  type AttentionNumbers,
  attentionNumbers,
  generalPlan,
  pairsTogether,
  tensorWidth,
} from './attention-sizes.ts';

/** Queries of a block, keys of a tile, tiles of keys and of values in shared memory: attention.cu. */
const QUERIES = 128;
const KEYS = 64;
const TILES = 2;
/** Bytes of keys and values that should stay in the L2 cache while blocks read them. */
const CACHE = 2 ** 24;
/** Rows and columns that attention-few.cu takes, keys of a chunk, and how many blocks are enough to keep a GPU busy. */
const FEW_ROWS = 8;
const FEW_COLUMNS = 512;
const [LEAST_KEYS, MOST_KEYS] = [64, 512];
const ENOUGH_BLOCKS = 512;
/** Of attention-token.cu: heads' columns, what the keys of a chunk are a multiple of, and chunks at most. */
const TOKEN_COLUMNS = [64, 128] as const;
const TOKEN_KEYS = 64;
const TOKEN_CHUNKS = 64;
/** So many keys at most are read by each head for itself where heads share them: they are near, and more blocks are quicker. */
const APART_KEYS = 2048;

export const attention: CudaKernel = cudaKernel(
  attentionOp,
  ({ q, k, v, position, first }, { y, logSumExp }, attrs, context) => {
    const numbers = attentionNumbers(q, k, attrs);
    const { batch, queries, keys, heads, groups, width } = numbers;
    const addresses = {
      ...{ q: at(q), k: at(k), v: at(v), position: at(position), first: at(first) },
      ...{ y: at(y), logSumExp: at(logSumExp), positionStep: positionStep(position) },
    };
    if ((queries * heads) / groups <= FEW_ROWS && width <= FEW_COLUMNS) {
      attendFew(addresses, numbers, q.dtype === 'f32', context);
      return;
    }
    const fast = tensorWidth(numbers, [q, k, v, y], context.computeCapability);
    if (fast) {
      const pairs = batch * heads;
      const together = pairsTogether(pairs, (4 * keys * width * groups) / heads, CACHE);
      const shared = (QUERIES + 2 * TILES * KEYS) * width * 2;
      const { width: _, ...sizes } = numbers;
      const blocks = pairs * Math.ceil(queries / QUERIES);
      const kernel = first ? (`attention_${fast}_first_bf16` as const) : (`attention_${fast}_bf16` as const);
      context.launch(kernel, { ...addresses, ...sizes, together }, [blocks], { shared });
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

interface Addresses {
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly position: number;
  readonly first: number;
  readonly positionStep: number;
  readonly y: number;
  readonly logSumExp: number;
}

function attendFew(
  { y, logSumExp, ...inputs }: Addresses,
  { batch, ...sizes }: AttentionNumbers,
  isF32: boolean,
  context: LaunchContext,
): void {
  const { queries, keys, heads, groups, width } = sizes;
  const [pairs, rows] = [batch * groups, (queries * heads) / groups];
  const isWide = [inputs.q, inputs.k, inputs.v, width * (isF32 ? 4 : 2)].every((number) => number % 16 === 0);
  const columns = isWide ? TOKEN_COLUMNS.find((one) => one === width) : undefined;
  if (columns && pairs <= COUNTERS) {
    const chunk = Math.ceil(keys / TOKEN_CHUNKS / TOKEN_KEYS) * TOKEN_KEYS;
    const chunks = Math.ceil(keys / chunk);
    const sharing = keys <= APART_KEYS && batch * heads <= COUNTERS ? heads / groups : 1;
    const [blocks, ofBlock] = [pairs * sharing, rows / sharing];
    const held = ofBlock === 1 ? 1 : ofBlock <= 4 ? 4 : FEW_ROWS;
    const { width: _, ...others } = sizes;
    const memory = partsMemory(blocks, chunks, ofBlock, width, context);
    const sites = { ...others, groups: groups * sharing, sharing, chunk, rowBytes: width * (isF32 ? 4 : 2) };
    const args = { ...inputs, ...sites, ...memory, y, logSumExp };
    const kernel = isF32
      ? (`attention_token_${held}_${columns}_f32` as const)
      : (`attention_token_${held}_${columns}_bf16` as const);
    context.launch(kernel, args, [blocks, chunks], { early: true });
    return;
  }
  const wanted = Math.ceil((pairs * keys) / ENOUGH_BLOCKS / LEAST_KEYS) * LEAST_KEYS;
  const chunk = Math.min(wanted, MOST_KEYS);
  const chunks = Math.ceil(keys / chunk);
  const { sums, outs, arrived } = partsMemory(pairs, chunks, rows, width, context);
  const kind = !isWide ? 'any' : rows === 1 ? 1 : FEW_ROWS;
  context.launch(
    isF32 ? `attention_few_${kind}_f32` : `attention_few_${kind}_bf16`,
    { ...inputs, ...sizes, sums, outs, y, logSumExp, arrived, chunk },
    [pairs, chunks],
    { shared: (kind === 1 ? 1 : FEW_ROWS) * width * 4, early: true },
  );
  if (arrived) return;
  context.launch(
    isF32 ? 'attention_merge_f32' : 'attention_merge_bf16',
    { sums, outs, y, logSumExp, queries, heads, groups, width, chunks },
    [pairs],
  );
}

/** Where the chunks of each pair leave what they found of its rows [rows, width]. */
function partsMemory(
  pairs: number,
  chunks: number,
  rows: number,
  width: number,
  context: LaunchContext,
): { readonly sums: number; readonly outs: number; readonly arrived: number } {
  return {
    sums: context.temporary(pairs * chunks * rows * 8),
    outs: context.temporary(pairs * chunks * rows * width * 4),
    arrived: pairs <= COUNTERS ? context.counters(pairs) : 0,
  };
}

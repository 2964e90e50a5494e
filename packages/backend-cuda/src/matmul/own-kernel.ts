/**
 * A matrix product on this package's own kernels (kernels/matmul.cu). The kernel, the grid and the split over k depend on
 * the shape and the generation of the GPU alone, so that results do too.
 */
import type { KernelArguments } from '../generated/kernel-arguments.ts';
import type { GemmAddresses, LaunchContext } from '../launch.ts';
import type { GemmPlan } from './plan.ts';

/** Rows and columns of the result that one block makes, and the most rows that the kernels for few rows take. */
const TILE = 128;
const FEW_ROWS = 8;
/**
 * A product of fewer blocks is split over k, into parts no shorter than this: two blocks of a tile, or four of few rows,
 * for each multiprocessor of the GPUs that this is tuned for.
 */
const TILE_SPLIT = { enough: 264, shortest: 256 };
const FEW_ROWS_SPLIT = { enough: 528, shortest: 128 };
/** What every kernel takes of k in one step divides it. */
const PART_STEP = 32;
/** Bytes of shared memory of the tensor-core kernels: three stages of both operands, 128 x 32 bf16 each. */
const TENSOR_SHARED = 3 * 2 * TILE * 32 * 2;
const MOST_BLOCKS_ALONG_Z = 65_535;
const SUM_BLOCKS = 1056;
const SUM_ELEMENTS_OF_A_BLOCK = 1024;
const OLDEST_TENSOR_CORES = 80;

type MatmulArguments = KernelArguments<'matmul_plain_f32'>;

export function launchOwnGemm(plan: GemmPlan, { a, b, c, d }: GemmAddresses, context: LaunchContext): void {
  const { m, n, k, batch, operands, result } = plan;
  const few = m <= FEW_ROWS;
  const tiles = few ? Math.ceil(n / columnsOfABlock(plan)) : Math.ceil(m / TILE) * Math.ceil(n / TILE);
  const { split, parts } = splitOf(k, tiles * batch, few ? FEW_ROWS_SPLIT : TILE_SPLIT);
  const partial = parts > 1 ? context.temporary(parts * batch * m * n * 4) : 0;
  const start = plan.beta === 1 ? c : 0;
  const vector = operands === 'bf16' ? 8 : 4;
  const args: MatmulArguments = {
    a,
    b,
    c: start,
    d,
    partial,
    strideA: plan.strideA,
    strideB: plan.strideB,
    m,
    n,
    k,
    batch,
    split,
    transposeA: Number(plan.transposeA),
    transposeB: Number(plan.transposeB),
    wideA: Number(a % 16 === 0 && (plan.transposeA ? m : k) % vector === 0),
    wideB: Number(b % 16 === 0 && (plan.transposeB ? k : n) % vector === 0),
    wideD: Number(d % 16 === 0 && start % 16 === 0 && n % 8 === 0),
    resultIsBf16: Number(result === 'bf16'),
  };
  const grid = [tiles, parts, Math.min(batch, MOST_BLOCKS_ALONG_Z)] as const;
  if (few) context.launch(fewRowsKernel(plan), args, grid);
  else if (operands === 'f32') context.launch('matmul_plain_f32', args, grid);
  else if (context.computeCapability < OLDEST_TENSOR_CORES) context.launch('matmul_plain_bf16', args, grid);
  else context.launch(tensorKernel(plan), args, grid, { shared: TENSOR_SHARED });
  if (parts > 1) addParts(plan, partial, start, d, parts, context);
}

function addParts(
  { m, n, batch, result }: GemmPlan,
  partial: number,
  c: number,
  d: number,
  parts: number,
  context: LaunchContext,
): void {
  const size = batch * m * n;
  const wide = Number(size % 4 === 0 && d % 16 === 0 && c % 16 === 0);
  const blocks = Math.min(SUM_BLOCKS, Math.ceil(size / SUM_ELEMENTS_OF_A_BLOCK));
  context.launch(`matmul_sum_${result}`, { partial, c, d, size, parts, wide }, [blocks]);
}

/** How a sum over k is cut for a grid of `blocks`: the length of a part, and how many there are. */
export function splitOf(
  k: number,
  blocks: number,
  { enough, shortest }: { readonly enough: number; readonly shortest: number },
): { split: number; parts: number } {
  const parts = Math.min(Math.floor(enough / blocks), Math.floor(k / shortest));
  if (parts < 2) return { split: k, parts: 1 };
  const split = Math.ceil(k / parts / PART_STEP) * PART_STEP;
  return { split, parts: Math.ceil(k / split) };
}

const flag = (transposed: boolean) => (transposed ? 't' : 'n');

function tensorKernel({ transposeA, transposeB }: GemmPlan) {
  return `matmul_${flag(transposeA)}${flag(transposeB)}_bf16` as const;
}

function fewRowsKernel({ m, transposeB, operands }: GemmPlan) {
  return `matmul_${m === 1 ? 'one_row' : 'few_rows'}_along_${transposeB ? 'k' : 'n'}_${operands}` as const;
}

/** Columns that a block of the kernels for few rows makes: 8 warps of 4, or 32 lanes of 16 bytes. */
function columnsOfABlock({ transposeB, operands }: GemmPlan): number {
  return transposeB ? 32 : operands === 'bf16' ? 256 : 128;
}

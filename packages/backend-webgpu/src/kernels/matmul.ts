/** Matrix products in the form that suits their sizes; operands larger than one binding are cut along rows. */
import { type Inputs, type MatmulAttrs, matmulOp, matmulSizes, sizeOf, type View } from '@qsparse/core';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { FEW_ROWS, type MatmulForm, matmulForm, tiledForm, WHOLE_TILE } from './matmul-plan.ts';

/** What y starts from, as begin_with in matmul-products.wgsl. */
const NOTHING = 0;
const ADD = 1;
const ITSELF = 2;
/** Bytes that a binding may begin before its view. */
const SLACK = 256;

/** Rows and columns of y that a workgroup makes in matrix units. */
const MATRIX_TILE = 128;

/** Matrices that lie `matrix` elements apart, with `row` elements from row to row. */
export interface Operand {
  readonly view: View;
  readonly row: number;
  readonly matrix: number;
}

export interface Product extends MatmulAttrs {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Operand;
  readonly b: Operand;
  readonly y: Operand;
  /** Laid out as y. */
  readonly add: View | undefined;
  readonly beginWith: number;
}

export const matmul: WebGpuKernel = webGpuKernel(matmulOp, (ins, { y }, attrs, context) => {
  const product = productOf(ins, y, attrs);
  const most = Math.max(...[ins.a, ins.b, y].map(({ shape }) => sizeOf(shape))) * 4;
  if (most <= context.maxBinding - SLACK) launchProduct(product, context);
  else if (product.batch > 1) launchMatrices(product, context);
  else launchCut(product, context);
});

/** What an op asks for, as launches take it. */
export function productOf(
  { a, b, add, into }: Inputs<View, 'a' | 'b', 'add' | 'into'>,
  y: View,
  attrs: MatmulAttrs,
): Product {
  const { batch, sharedB, m, n, k } = matmulSizes(a.shape, b.shape, attrs);
  return {
    ...{ ...attrs, batch, m, n, k, add },
    a: { view: a, row: attrs.transposeA ? m : k, matrix: m * k },
    b: { view: b, row: attrs.transposeB ? k : n, matrix: sharedB ? 0 : n * k },
    y: { view: y, row: n, matrix: m * n },
    beginWith: add ? ADD : into ? ITSELF : NOTHING,
  };
}

/** Matrix after matrix; a shared b has a distance of 0. */
function launchMatrices(product: Product, context: LaunchContext): void {
  const { batch, m, n, k, a, b, y, add } = product;
  const matrixAt = (operand: Operand, i: number, size: number): Operand => ({
    ...operand,
    view: context.part(operand.view, i * operand.matrix, size),
  });
  for (let i = 0; i < batch; i++) {
    const operands = { a: matrixAt(a, i, m * k), b: matrixAt(b, i, n * k), y: matrixAt(y, i, m * n) };
    launchCut(
      { ...product, ...operands, batch: 1, add: add && context.part(add, i * m * n, m * n) },
      context,
    );
  }
}

/** One matrix, cut along its sizes so that the rows of each operand that belong to a piece fit in one binding. */
function launchCut(product: Product, context: LaunchContext): void {
  const { transposeA, transposeB, m, n, k, a, b, y, add } = product;
  const aShare = [a.view, a.row] as const;
  const bShare = [b.view, b.row] as const;
  const forM = context.ranges(m, transposeA ? [[y.view, n]] : [aShare, [y.view, n]]);
  const forN = context.ranges(n, transposeB ? [bShare] : []);
  const kShares = [...(transposeA ? [aShare] : []), ...(transposeB ? [] : [bShare])];
  const forK = context.ranges(k, kShares);
  /** Rows and columns of a stored matrix, from its first element to its last. */
  const block = (
    { view, row }: Operand,
    rows: { first: number; count: number },
    columns: { first: number; count: number },
  ): Operand => ({
    view: context.part(view, rows.first * row + columns.first, (rows.count - 1) * row + columns.count),
    row,
    matrix: 0,
  });
  for (const ofM of forM) {
    for (const ofN of forN) {
      for (const [i, ofK] of forK.entries()) {
        const result = block(y, ofM, ofN);
        const isFirst = i === 0;
        launchProduct(
          {
            ...{ ...product, m: ofM.count, n: ofN.count, k: ofK.count, y: result },
            a: transposeA ? block(a, ofK, ofM) : block(a, ofM, ofK),
            b: transposeB ? block(b, ofN, ofK) : block(b, ofK, ofN),
            add: isFirst && add ? block({ ...y, view: add }, ofM, ofN).view : undefined,
            beginWith: isFirst ? product.beginWith : ITSELF,
          },
          context,
        );
      }
    }
  }
}

function launchProduct(product: Product, context: LaunchContext): void {
  const { transposeA, batch, m, n, y } = product;
  if (launchMatrixUnits(product, context)) return;
  const form = matmulForm(product, transposeA, context.barrierFree);
  // Partial sums are laid out as a whole result; a piece of one is not.
  const isWhole = y.row === n && batch * m * n * form.splits * 4 <= context.maxBinding;
  launchForm(product, isWhole ? form : { ...form, splits: 1 }, context);
}

/** The product in matrix units, an experiment that must be asked for. False where they do not take it. */
function launchMatrixUnits(product: Product, context: LaunchContext): boolean {
  const { matrixSide, subgroupMax } = context.variant;
  const { transposeA, transposeB, batch, m, n, k, a, b, y, beginWith } = product;
  const isWhole = m % MATRIX_TILE === 0 && n % MATRIX_TILE === 0 && k >= MATRIX_TILE;
  if (!matrixSide || batch > 1 || !isWhole || y.row !== n || beginWith === ADD) return false;
  const groups = (m / MATRIX_TILE) * (n / MATRIX_TILE);
  context.launch(
    `matmul-matrices-${matrixSide}`,
    'matmul_matrices',
    { a: a.view, b: b.view, y: y.view },
    { m, n, k, aRow: a.row, bRow: b.row },
    context.grid(groups),
    {
      transpose_a: transposeA,
      transpose_b: transposeB,
      accumulate: beginWith === ITSELF,
      threads: 4 * subgroupMax,
    },
  );
  return true;
}

/** The product in one form, whatever its sizes. Exported for measurements and tests of all forms. */
export function launchForm(product: Product, wanted: MatmulForm, context: LaunchContext): void {
  const { transposeA, transposeB, batch, m, n, k, a, b, y, add, beginWith } = product;
  requireForm(product, wanted);
  if (wanted.entry === 'whole' && !takesWhole(product, context)) {
    launchForm(product, { ...tiledForm(product), splits: 1 }, context);
    return;
  }
  const partial = wanted.splits > 1 ? context.temporary(wanted.splits * batch * m * n * 4) : undefined;
  const target = partial ? { view: partial, row: n, matrix: m * n } : y;
  const start = partial ? NOTHING : beginWith;
  const isVectors =
    [a, b, target].every(({ row, matrix }) => row % 4 === 0 && matrix % 4 === 0) && endsWithVectors(product);
  const views = [a.view, b.view, target.view, ...(start === ADD ? [add] : [])];
  const isWide = isVectors && views.every((view) => context.isAligned(view, 16));
  const form: MatmulForm =
    wanted.entry === 'direct8' && !isWide ? { entry: 'direct', across: 8, splits: 1 } : wanted;

  const [tileM, tileN, tileK] = tileOf(form, transposeB);
  const tilesM = Math.ceil(m / tileM);
  const tilesN = Math.ceil(n / tileN);
  // Some parts may be left without terms; they are sums of nothing.
  const { splits } = form;
  const kOfSplit = Math.ceil(k / splits / tileK) * tileK;
  const workgroups = batch * tilesM * tilesN * splits;
  const tensors = { a: a.view, b: b.view, add: start === ADD ? add : undefined, y: target.view };
  const args = {
    ...{ m, n, k, aRow: a.row, bRow: b.row, yRow: target.row },
    ...{ aMatrix: a.matrix, bMatrix: b.matrix, yMatrix: target.matrix },
    ...{ tilesM, tilesN, workgroups, splits, kOfSplit },
  };
  const overrides = {
    ...{ transpose_a: transposeA, transpose_b: transposeB, begin_with: start },
    ...(form.entry === 'tiled' && {
      ...{ tile_m: tileM, tile_n: tileN, tile_k: tileK, threads: (tileM * tileN) / 64 },
    }),
    ...((form.entry === 'direct' || form.entry === 'direct8') && { across: form.across }),
    ...(form.entry === 'few' && { rows: m }),
  };
  const grid = context.grid(workgroups);
  if (form.entry === 'whole') context.launch('matmul-whole', 'whole', tensors, args, grid, overrides);
  else if (isWide) context.launch('matmul-vec4', form.entry, tensors, args, grid, overrides);
  else if (form.entry !== 'direct8') context.launch('matmul', form.entry, tensors, args, grid, overrides);
  if (!partial) return;
  const size = batch * m * n;
  context.launch(
    'matmul-sum',
    'sum',
    { partial, add: beginWith === ADD ? add : undefined, y: y.view },
    { size, splits },
    context.grid(Math.ceil(size / 64)),
    { begin_with: beginWith },
  );
}

function requireForm({ transposeA, m, n, k }: Product, { entry }: MatmulForm): void {
  if (entry === 'few' && (m > FEW_ROWS || transposeA)) {
    throw new RangeError(`[matmul] the form for few rows takes ${FEW_ROWS} of them as they are, got ${m}`);
  }
  if (entry === 'direct8' && (m % 8 !== 0 || n % 8 !== 0 || k % 4 !== 0)) {
    throw new RangeError(`[matmul] direct8 takes multiples of 8, 8 and 4, got ${m}, ${n} and ${k}`);
  }
}

/** Whether matmul-whole.wgsl takes the operands: everything whole vectors of 16 bytes, and whole steps of k. */
function takesWhole(product: Product, context: LaunchContext): boolean {
  const { m, k, a, b, y, add } = product;
  const isWhole = [a, b, y].every(({ row, matrix }) => row % 4 === 0 && matrix % 4 === 0);
  if (!isWhole || m % 4 !== 0 || k % WHOLE_TILE[2] !== 0 || !endsWithVectors(product)) return false;
  return [a.view, b.view, y.view, ...(add ? [add] : [])].every((view) => context.isAligned(view, 16));
}

/** Whether rows, or the pieces of rows that belong to this product, are whole vectors of four. */
function endsWithVectors({ transposeA, transposeB, m, n, k }: Product): boolean {
  return (transposeA ? m : k) % 4 === 0 && (transposeB ? k : n) % 4 === 0 && n % 4 === 0;
}

function tileOf(form: MatmulForm, transposeB: boolean): readonly [number, number, number] {
  if (form.entry === 'whole') return WHOLE_TILE;
  if (form.entry === 'tiled') return [form.tileM, form.tileN, form.tileK];
  if (form.entry === 'direct') return [(64 / form.across) * 4, form.across * 4, 4];
  if (form.entry === 'direct8') return [(64 / form.across) * 8, form.across * 8, 4];
  // As few_product in matmul-products.wgsl has them.
  return [FEW_ROWS, transposeB ? 32 : 128, transposeB ? 128 : 32];
}

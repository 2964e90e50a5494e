/**
 * A dense matrix product as plain data, and the same product as cuBLASLt sees it. Ours are row after row, cuBLASLt's
 * column after column: dᵀ = op(b)ᵀ · op(a)ᵀ, and the memory of a row-major matrix is that of its transpose column by
 * column, so the operands change places and nothing is copied.
 */
import type { MatmulAttrs, MatmulSizes } from '@qsparse/core';

export type GemmDType = 'f32' | 'bf16';

/** What a product starts from: nothing, d itself, or another tensor of d's shape and dtype. */
export type GemmStart = 'zero' | 'into' | 'add';

/** d = op(a) · op(b) + c, sums in float32, rounded once. Every matrix is dense and row-major. */
export interface GemmPlan {
  /** Rows and columns of d, and the length of each sum. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  /** a is stored [K, M]. */
  readonly transposeA: boolean;
  /** b is stored [N, K]. */
  readonly transposeB: boolean;
  /** Of a and b. */
  readonly operands: GemmDType;
  /** Of c and d. */
  readonly result: GemmDType;
  /** Elements from one matrix of the batch to the next; c has d's. 0 for a b that serves all. */
  readonly strideA: number;
  readonly strideB: number;
  readonly strideD: number;
  /** 1 where c is added. */
  readonly beta: 0 | 1;
  /** c is d. */
  readonly inPlace: boolean;
}

export function gemmPlan(
  { m, n, k, batch, sharedB }: MatmulSizes,
  { transposeA, transposeB }: MatmulAttrs,
  operands: GemmDType,
  result: GemmDType,
  start: GemmStart,
): GemmPlan {
  return {
    m,
    n,
    k,
    batch,
    transposeA,
    transposeB,
    operands,
    result,
    strideA: m * k,
    strideB: sharedB ? 0 : n * k,
    strideD: m * n,
    beta: start === 'zero' ? 0 : 1,
    inPlace: start !== 'add',
  };
}

/** Equal for equal plans. Choices of algorithms are kept under it, also on disk: change it only with their format. */
export function planKey(plan: GemmPlan): string {
  const { m, n, k, batch, operands, result, strideA, strideB, strideD } = plan;
  const flags = `${plan.transposeA ? 'T' : 'N'}${plan.transposeB ? 'T' : 'N'}`;
  const start = plan.beta === 0 ? 'zero' : plan.inPlace ? 'into' : 'add';
  return `${operands}>${result} ${m}x${n}x${k} ${flags} ${start} ${batch}:${strideA},${strideB},${strideD}`;
}

/** A matrix that lies column after column, `leading` elements from one to the next. */
export interface ColumnMajor {
  readonly dtype: GemmDType;
  readonly rows: number;
  readonly columns: number;
  readonly leading: number;
  /** Elements to the next matrix of the batch. */
  readonly stride: number;
}

/** The product as cuBLASLt computes it: result = op(first) · op(second), where first is b and second is a. */
export interface ColumnMajorProduct {
  readonly first: ColumnMajor;
  readonly second: ColumnMajor;
  readonly result: ColumnMajor;
  readonly transposeFirst: boolean;
  readonly transposeSecond: boolean;
}

export function columnMajor(plan: GemmPlan): ColumnMajorProduct {
  const { m, n, k, transposeA, transposeB, operands, result } = plan;
  const stored = (dtype: GemmDType, rows: number, columns: number, stride: number): ColumnMajor => ({
    dtype,
    rows: columns,
    columns: rows,
    leading: columns,
    stride,
  });
  return {
    first: transposeB ? stored(operands, n, k, plan.strideB) : stored(operands, k, n, plan.strideB),
    second: transposeA ? stored(operands, k, m, plan.strideA) : stored(operands, m, k, plan.strideA),
    result: stored(result, m, n, plan.strideD),
    transposeFirst: transposeB,
    transposeSecond: transposeA,
  };
}

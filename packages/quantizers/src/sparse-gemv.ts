/**
 * The product of a few active channels with a matrix that is stored channel by channel, so that a channel that is not
 * active is not read: y = Σ_j values_j · w[indices_j] over the entries of a list (compact.ts). For weights of 8 bits and more;
 * ternary-gemv.ts has those of 2.
 */
import {
  add as addTensors,
  cast,
  DTypeError,
  embedding,
  type FusedOp,
  matmul,
  multiply,
  requireDType,
  requireSameShape,
  reshape,
  run,
  ShapeError,
  showShape,
  type Tensor,
  type Type,
} from '@qsparse/core';
import { type ChannelList, requireList } from './compact.ts';

export interface ProductAttrs {
  /** Of y and add. */
  readonly dtype: 'f32' | 'bf16';
}

/**
 * indices i32, values f32 [..., k], count i32 [...]; w [inputs, outputs] f32, bf16 or i8; scales f32 [outputs], default 1;
 * add [..., outputs] → y [..., outputs] = scales · Σ_(j < count) values_j w[indices_j] + add. Sums are taken in at least float32
 * and rounded once. An index outside of w makes its row NaN.
 */
export const sparseGemvOp: FusedOp<
  'indices' | 'values' | 'count' | 'w',
  'y',
  ProductAttrs,
  'scales' | 'add'
> = {
  name: 'sparse-gemv',
  stored: ['w'],
  infer({ indices, values, count, w, scales, add }, { dtype }) {
    const lead = requireList('sparse-gemv', { indices, values, count });
    for (const [name, type] of Object.entries({ indices, count }))
      requireDType('sparse-gemv', name, type, 'i32');
    requireDType('sparse-gemv', 'values', values, 'f32');
    if (w.dtype !== 'f32' && w.dtype !== 'bf16' && w.dtype !== 'i8') {
      throw new DTypeError('sparse-gemv', `w must be f32, bf16 or i8, got ${w.dtype}`);
    }
    if (w.shape.length !== 2) {
      throw new ShapeError('sparse-gemv', `w must be [inputs, outputs], got ${showShape(w.shape)}`);
    }
    return { y: productType('sparse-gemv', [...lead, w.shape[1]!], { scales, add }, dtype) };
  },
  reference({ indices, values, count, w, scales, add }, { y }, _attrs, types) {
    const [inputs, outputs] = types.w.shape as [number, number];
    const k = types.indices.shape.at(-1)!;
    for (let row = 0; row < count.length; row++) {
      const sums = new Float64Array(outputs);
      for (let j = row * k; j < row * k + count[row]!; j++) {
        const channel = indices[j]!;
        if (!(channel >= 0 && channel < inputs)) sums.fill(Number.NaN);
        else for (let o = 0; o < outputs; o++) sums[o]! += values[j]! * w[channel * outputs + o]!;
      }
      for (let o = 0; o < outputs; o++) {
        const at = row * outputs + o;
        y[at] = sums[o]! * (scales ? scales[o]! : 1) + (add ? add[at]! : 0);
      }
    }
  },
  composite({ indices, values, w, scales, add }, { dtype }) {
    const sums = listProduct(indices, values, cast(w, 'f32')); // [rows, outputs]
    const scaled = scales ? multiply(sums, scales) : sums;
    return { y: finished(scaled, [...indices.shape.slice(0, -1), w.shape[1]!], add, dtype) };
  },
};

/** The type of a product with the checks of its optional inputs. */
export function productType(
  where: string,
  shape: readonly number[],
  { scales, add }: { readonly scales?: Type | undefined; readonly add?: Type | undefined },
  dtype: ProductAttrs['dtype'],
): Type {
  if (scales) {
    requireDType(where, 'scales', scales, 'f32');
    requireSameShape(where, 'scales', scales.shape, shape.slice(-1));
  }
  if (add) {
    requireDType(where, 'add', add, dtype);
    requireSameShape(where, 'add', add.shape, shape);
  }
  return { dtype, shape };
}

/** Σ_j values_j · table[indices_j], f32 [rows, width]: entries from a list's count on are zeros and add nothing. */
export function listProduct(indices: Tensor, values: Tensor, table: Tensor): Tensor {
  const k = indices.shape.at(-1)!;
  const rows = indices.size / k;
  const channels = embedding(table, reshape(indices, [rows, k])); // [rows, k, width]
  return reshape(matmul(reshape(values, [rows, 1, k]), channels), [rows, table.shape[1]!]);
}

/** In its shape, with what is added, rounded once. */
export function finished(
  product: Tensor,
  shape: readonly number[],
  add: Tensor | undefined,
  dtype: ProductAttrs['dtype'],
): Tensor {
  const whole = reshape(product, shape);
  return cast(add ? addTensors(whole, cast(add, 'f32')) : whole, dtype);
}

export interface ProductOptions {
  /** Of the result; default: add's, else f32. */
  readonly dtype?: ProductAttrs['dtype'] | undefined;
  /** [..., outputs], added to the product: the residual stream. */
  readonly add?: Tensor | undefined;
}

/**
 * y [..., outputs] from a list with f32 values and w [inputs, outputs] (f32, bf16, i8), times `scales` f32 [outputs].
 *
 * @throws ShapeError, DTypeError for what does not fit.
 */
export function sparseGemv(
  { indices, values, count }: ChannelList,
  w: Tensor,
  {
    scales,
    add,
    dtype = (add?.dtype ?? 'f32') as ProductAttrs['dtype'],
  }: ProductOptions & {
    readonly scales?: Tensor | undefined;
  } = {},
): Tensor {
  return run(sparseGemvOp, { indices, values, count, w, scales, add }, { dtype }).y;
}

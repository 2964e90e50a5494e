/**
 * The product of a few active int8 channels with a ternary matrix, 2 bits a weight and channel by channel
 * (pack-channel-major.ts): sums of integers, exact in any order, and then the scales.
 */
import {
  add as addTensors,
  cast,
  concat,
  type FusedOp,
  full,
  matmul,
  multiply,
  relu,
  requireDType,
  reshape,
  run,
  ShapeError,
  scale as scaleTensor,
  showShape,
  slice,
  subtract,
  type Tensor,
} from '@qsparse/core';
import { type ChannelList, requireList } from './compact.ts';
import { channelBytes, placeOf } from './pack-channel-major.ts';
import { finished, listProduct, type ProductAttrs, type ProductOptions, productType } from './sparse-gemv.ts';

/**
 * indices i32, values i8 [..., k], count i32 and scale f32 [...]; w i8 [inputs, channelBytes(outputs)], the bytes of
 * packChannelMajor; scales f32 [outputs], so that matrices that lie under one another keep their own; add [..., outputs] →
 * y [..., outputs] = scale · scales · Σ_(j < count) values_j t[indices_j] + add, with t the weights -1, 0, 1.
 *
 * values lie within ±127. An index outside of w makes its row NaN. Each index stands at most once in a list, as compact() and
 * sparsifyList() make it: devices may write a list out as a row.
 */
export const ternaryGemvOp: FusedOp<
  'indices' | 'values' | 'count' | 'scale' | 'w' | 'scales',
  'y',
  ProductAttrs,
  'add'
> = {
  name: 'ternary-gemv',
  infer({ indices, values, count, scale, w, scales, add }, { dtype }) {
    const where = 'ternary-gemv';
    const lead = requireList(where, { indices, values, count });
    for (const [name, type] of Object.entries({ indices, count })) requireDType(where, name, type, 'i32');
    for (const [name, type] of Object.entries({ values, w })) requireDType(where, name, type, 'i8');
    requireDType(where, 'scale', scale, 'f32');
    if (showShape(scale.shape) !== showShape(lead)) {
      throw new ShapeError(where, `scale must have shape ${showShape(lead)}, got ${showShape(scale.shape)}`);
    }
    const outputs = scales.shape.at(-1) ?? 0;
    if (w.shape.length !== 2 || w.shape[1] !== channelBytes(outputs)) {
      throw new ShapeError(
        where,
        `w must be [inputs, ${channelBytes(outputs)}] for ${outputs} outputs, got ${showShape(w.shape)}`,
        'packChannelMajor() makes it',
      );
    }
    return { y: productType(where, [...lead, outputs], { scales, add }, dtype) };
  },
  reference({ indices, values, count, scale, w, scales, add }, { y }, _attrs, types) {
    const [inputs, bytes] = types.w.shape as [number, number];
    const outputs = scales.length;
    const k = types.indices.shape.at(-1)!;
    const places = Array.from({ length: outputs }, (_, o) => placeOf(o));
    for (let row = 0; row < count.length; row++) {
      const sums = new Float64Array(outputs);
      for (let j = row * k; j < row * k + count[row]!; j++) {
        const channel = indices[j]!;
        if (!(channel >= 0 && channel < inputs)) sums.fill(Number.NaN);
        else {
          for (const [o, { byte, shift }] of places.entries())
            sums[o]! += values[j]! * (((w[channel * bytes + byte]! >> shift) & 3) - 1);
        }
      }
      for (let o = 0; o < outputs; o++) {
        const at = row * outputs + o;
        y[at] = sums[o]! * scale[row]! * scales[o]! + (add ? add[at]! : 0);
      }
    }
  },
  composite({ indices, values, scale, w, scales, add }, { dtype }) {
    const bytes = w.shape[1]!;
    const rows = indices.size / indices.shape.at(-1)!;
    const [codes, ones] = [cast(values, 'f32'), unpackFields(cast(w, 'f32'))];
    const fields = ones.map((field) =>
      reshape(listProduct(indices, codes, field), [rows, bytes / 64, 1, 64]),
    );
    const sums = slice(reshape(concat(fields, 2), [rows, 4 * bytes]), 1, 0, scales.size);
    const factors = matmul(reshape(scale, [rows, 1]), reshape(scales, [1, scales.size]));
    const shape = [...indices.shape.slice(0, -1), scales.size];
    return { y: finished(multiply(sums, factors), shape, add, dtype) };
  },
};

const shifted = (x: Tensor, by: number): Tensor => addTensors(x, full(x.device, [], by));

/** Signed bytes as f32 → the weights of their four fields, lowest bits first; in ops that every device has. */
function unpackFields(signed: Tensor): readonly Tensor[] {
  // 256 more where it is below 0: relu(-v) - relu(-v - 1) is 1 there.
  const below = relu(scaleTensor(signed, -1));
  const one = subtract(below, relu(scaleTensor(shifted(signed, 1), -1)));
  let rest = subtract(signed, scaleTensor(one, -256));
  const fields: Tensor[] = [];
  for (let size = 64; size > 1; size /= 4) {
    const field = cast(cast(scaleTensor(rest, 1 / size), 'i32'), 'f32'); // truncated
    fields.unshift(shifted(field, -1));
    rest = subtract(rest, scaleTensor(field, size));
  }
  return [shifted(rest, -1), ...fields];
}

export interface TernaryWeights {
  /** i8 [inputs, channelBytes(outputs)] */
  readonly w: Tensor;
  /** f32 [outputs] */
  readonly scales: Tensor;
}

/**
 * y [..., outputs] from a list with i8 values and packed ternary weights.
 *
 * @throws ShapeError, DTypeError for what does not fit.
 */
export function ternaryGemv(
  { indices, values, count, scale }: ChannelList,
  { w, scales }: TernaryWeights,
  { add, dtype = (add?.dtype ?? 'f32') as ProductAttrs['dtype'] }: ProductOptions = {},
): Tensor {
  if (!scale)
    throw new ShapeError('ternary-gemv', 'the list has no scale', 'make it with compact(x, { int8: true })');
  return run(ternaryGemvOp, { indices, values, count, scale, w, scales, add }, { dtype }).y;
}

/**
 * The gradients of RMSNorm. With h = x · inverseRms and g = dy · weight, per row of n:
 * dx = inverseRms · (g - h · mean(g · h)), dWeight = sum over rows of dy · h. Given `intoX` or `intoWeight`, adds
 * to it in place: gradients accumulate without a buffer of their own.
 *
 * dy has x's dtype. weight and intoX have it too or are f32; intoWeight has weight's or is f32; what is added into
 * decides the dtype of the result.
 */
import type { Type } from '../device.ts';
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { asRows } from '../shape.ts';
import { requireDType, requireF32Or, requireFloat, requireSameShape } from './require.ts';

const name = 'rms-norm-backward';

/** dWeight is there when weight is. */
export const rmsNormBackwardOp: Op<
  'dy' | 'x' | 'inverseRms',
  'dx' | 'dWeight',
  null,
  'weight' | 'intoX' | 'intoWeight'
> = {
  name,
  inPlace: { dx: 'intoX', dWeight: 'intoWeight' },
  infer({ dy, x, weight, inverseRms, intoX, intoWeight }) {
    const dtype = requireFloat(name, { dy, x });
    requireF32Or(name, 'weight', weight, dtype);
    const { rows, width } = asRows(x.shape);
    requireSameShape(name, 'dy', dy.shape, x.shape);
    requireDType(name, 'inverseRms', inverseRms, 'f32');
    requireSameShape(name, 'inverseRms', inverseRms.shape, [rows]);
    requireF32Or(name, 'intoX', intoX, dtype);
    if (intoX) requireSameShape(name, 'intoX', intoX.shape, x.shape);
    if (intoWeight) {
      if (!weight)
        throw new ShapeError(name, 'intoWeight needs weight, which is absent', 'pass both or neither');
      requireF32Or(name, 'intoWeight', intoWeight, weight.dtype);
      requireSameShape(name, 'intoWeight', intoWeight.shape, weight.shape);
    }
    if (weight) requireSameShape(name, 'weight', weight.shape, [width]);
    const outs: Partial<Record<'dx' | 'dWeight', Type>> = {
      dx: { dtype: intoX?.dtype ?? dtype, shape: x.shape },
      ...(weight && { dWeight: { dtype: intoWeight?.dtype ?? weight.dtype, shape: weight.shape } }),
    };
    return outs as Record<'dx' | 'dWeight', Type>;
  },
  reference({ dy, x, weight, inverseRms, intoX, intoWeight }, { dx, dWeight }, _attrs, types) {
    const { rows, width } = asRows(types.x.shape);
    const sums = new Float64Array(width);
    for (let row = 0; row < rows; row++) {
      const scale = inverseRms[row]!;
      let mean = 0;
      for (let i = 0; i < width; i++) {
        const at = row * width + i;
        const h = x[at]! * scale;
        mean += (dy[at]! * (weight?.[i] ?? 1) * h) / width;
        sums[i]! += dy[at]! * h;
      }
      for (let i = 0; i < width; i++) {
        const at = row * width + i;
        const gradient = scale * (dy[at]! * (weight?.[i] ?? 1) - x[at]! * scale * mean);
        dx[at] = (intoX?.[at] ?? 0) + gradient;
      }
    }
    if (weight) for (let i = 0; i < width; i++) dWeight[i] = (intoWeight?.[i] ?? 0) + sums[i]!;
  },
};

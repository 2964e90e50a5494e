/** Overwrites `into` with one number. */
import type { Device } from '../device.ts';
import type { DType } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import type { Shape } from '../shape.ts';
import { empty, type Tensor } from '../tensor.ts';

export const fillOp: Op<'into', never, { readonly value: number }> = {
  name: 'fill',
  moves: true,
  mutates: ['into'],
  infer({ into }) {
    if (into.dtype !== 'f32' && into.dtype !== 'bf16' && into.dtype !== 'i32')
      throw new DTypeError('fill', `into must be f32, bf16 or i32, got ${into.dtype}`);
    return {};
  },
  reference({ into }, _outs, { value }) {
    into.fill(value);
  },
};

export function fillWith(into: Tensor, value: number): void {
  run(fillOp, { into }, { value });
}

/** A tensor of one repeated number. */
export function full(device: Device, shape: Shape, value: number, dtype: DType = 'f32'): Tensor {
  const made = empty(device, dtype, shape);
  fillWith(made, value);
  return made;
}

export function zeros(device: Device, shape: Shape, dtype: DType = 'f32'): Tensor {
  return full(device, shape, 0, dtype);
}

/**
 * packChannelMajor on the device: a ternarised matrix as 2 bits a weight, channel by channel, so that a model is packed
 * without its weights passing through the host. No gradient.
 */
import { type Op, requireFloat, run, ShapeError, showShape, type Tensor } from '@qsparse/core';
import { channelBytes, placeOf } from './pack-channel-major.ts';

/**
 * w [outputs, inputs] (f32 or bf16) → y i8 [inputs, channelBytes(outputs)], the bytes of `packChannelMajor` of w's signs: what
 * `ternarize` gives has no other magnitude than its alpha. Zeros of both signs and NaN are code 1, the weight 0.
 */
export const packTernaryOp: Op<'w', 'y', null> = {
  name: 'pack-ternary',
  stored: ['w'],
  infer({ w }) {
    requireFloat('pack-ternary', { w });
    if (w.shape.length !== 2) {
      throw new ShapeError('pack-ternary', `w must be [outputs, inputs], got ${showShape(w.shape)}`);
    }
    const [outputs, inputs] = w.shape as [number, number];
    return { y: { dtype: 'i8', shape: [inputs, channelBytes(outputs)] } };
  },
  reference({ w }, { y }, _attrs, types) {
    const [outputs, inputs] = types.w.shape as [number, number];
    const stride = channelBytes(outputs);
    // Whole blocks: places past the last output are zeros too.
    for (let output = 0; output < 4 * stride; output++) {
      const { byte, shift } = placeOf(output);
      for (let input = 0; input < inputs; input++) {
        const weight = output < outputs ? w[output * inputs + input]! : 0;
        const code = weight > 0 ? 2 : weight < 0 ? 0 : 1;
        const at = input * stride + byte;
        // The first field clears what was there.
        y[at] = (((shift === 0 ? 0 : y[at]!) | (code << shift)) << 24) >> 24;
      }
    }
  },
};

/**
 * The signs of w [outputs, inputs] in 2 bits each, for `ternaryGemv`: i8 [inputs, channelBytes(outputs)].
 *
 * @throws ShapeError for another rank, DTypeError for what is neither f32 nor bf16.
 */
export function packTernary(w: Tensor): Tensor {
  return run(packTernaryOp, { w }, null).y;
}

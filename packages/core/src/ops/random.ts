/**
 * Random numbers, the same bits on every device: Philox4x32-10 in whole numbers, and one float32 product. Uniform in
 * [0, 1): four numbers a block, (counter + i / 4, 0, stream, 0). Normal: a block a number, the sum of its eight 16-bit
 * halves (Irwin and Hall), which ends at 4.9 standard deviations. The state lives on the device, so that a captured step
 * draws new numbers when its input moves.
 */
import type { Op } from '../op.ts';
import { philox, seedKey, wordToUniform } from '../philox.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { requireDType, requireFinite, requireSameShape } from './require.ts';

export interface RandomAttrs {
  /** `normal` has mean 0 and deviation 1. */
  readonly distribution: 'uniform' | 'normal';
  /** What each number is multiplied by. */
  readonly scale: number;
}

/** 2 · (the mean of the sum of eight 16-bit numbers). */
const TWICE_MEAN = 8 * 65_535;

/**
 * What a normal number's whole part, 2 · sum - 524280, is multiplied by: half of scale over the deviation of the sum,
 * in float32.
 */
export function normalFactor(scale: number): number {
  return Math.fround(scale / (2 * Math.sqrt((8 * (65_536 ** 2 - 1)) / 12)));
}

export const randomOp: Op<'into' | 'state', never, RandomAttrs> = {
  name: 'random',
  mutates: ['into'],
  infer({ into, state }, { scale }) {
    requireDType('random', 'into', into, 'f32');
    requireDType('random', 'state', state, 'i32');
    requireSameShape('random', 'state', state.shape, [4]);
    requireFinite('random', 'scale', scale);
    return {};
  },
  reference({ into, state }, _outs, { distribution, scale }) {
    if (distribution === 'normal') {
      const factor = normalFactor(scale);
      for (let i = 0; i < into.length; i++) {
        let sum = 0;
        for (const word of randomBlock(state, i)) sum += (word & 0xffff) + (word >>> 16);
        into[i] = Math.fround((2 * sum - TWICE_MEAN) * factor);
      }
      return;
    }
    const factor = Math.fround(scale);
    for (let i = 0; i < into.length; i += 4) {
      const words = randomBlock(state, i / 4);
      for (let j = 0; j < 4 && i + j < into.length; j++)
        into[i + j] = Math.fround(wordToUniform(words[j]!) * factor);
    }
  },
};

/** The four words at `offset` blocks after a state [seed low, seed high, stream, counter]. */
export function randomBlock(state: ArrayLike<number>, offset: number): readonly number[] {
  const [low, high, stream, counter] = [state[0]!, state[1]!, state[2]!, state[3]!];
  return philox([(counter + offset) >>> 0, 0, stream >>> 0, 0], [low >>> 0, high >>> 0]);
}

/**
 * The state that `fillRandom` and `sample` take, i32 [4]: a seed below 2^53, a stream (one for each use) and a
 * counter (in blocks).
 */
export function randomState(seed: number, stream: number, counter = 0): Int32Array {
  return Int32Array.of(...seedKey(seed), stream, counter);
}

/** Overwrites `into`, f32 of any shape, with random numbers; `state` i32 [4] as `randomState` makes it. */
export function fillRandom(
  into: Tensor,
  state: Tensor,
  { distribution = 'uniform', scale = 1 }: Partial<RandomAttrs> = {},
): void {
  run(randomOp, { into, state }, { distribution, scale });
}

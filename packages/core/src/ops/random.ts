/**
 * Uniform numbers in [0, 1), the same on every device: Philox4x32-10 at (counter + i / 4, 0, stream, 0). The
 * state lives on the device, so that a captured step draws new numbers when its input moves.
 */
import type { Op } from '../op.ts';
import { philox, seedKey, wordToUniform } from '../philox.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { requireDType, requireSameShape } from './require.ts';

export const randomOp: Op<'into' | 'state', never, null> = {
  name: 'random',
  mutates: ['into'],
  infer({ into, state }) {
    requireDType('random', 'into', into, 'f32');
    requireDType('random', 'state', state, 'i32');
    requireSameShape('random', 'state', state.shape, [4]);
    return {};
  },
  reference({ into, state }) {
    for (let i = 0; i < into.length; i += 4) {
      const words = randomBlock(state, i / 4);
      for (let j = 0; j < 4 && i + j < into.length; j++) into[i + j] = wordToUniform(words[j]!);
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
 * counter (in blocks of four numbers).
 */
export function randomState(seed: number, stream: number, counter = 0): Int32Array {
  return Int32Array.of(...seedKey(seed), stream, counter);
}

/** Overwrites `into`, f32 of any shape, with uniform numbers in [0, 1); `state` i32 [4] as `randomState` makes it. */
export function fillRandom(into: Tensor, state: Tensor): void {
  run(randomOp, { into, state }, null);
}

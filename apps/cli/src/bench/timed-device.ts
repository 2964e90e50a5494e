/** What single kernels are timed on, and with: a device with a clock of its own, and normal numbers. */
import {
  cast,
  type Device,
  type DType,
  empty,
  fillRandom,
  randomState,
  type Shape,
  type Tensor,
  tensor,
} from '@qsparse/core';

/** A device with a clock of its own. */
export interface TimedDevice extends Device {
  time(work: () => void): Promise<number>;
}

export const hasClock = (device: Device): device is TimedDevice => 'time' in device;

/** Makes a tensor of normal numbers, f32 unless another dtype is named, owned by the caller. */
export type Draw = (shape: Shape, dtype?: DType) => Tensor;

/** Other numbers with each call; the same ones for the same seed. */
export function drawOn(device: Device, seed: number): Draw {
  let stream = 0;
  return (shape, dtype = 'f32') => {
    const state = tensor(device, randomState(seed, stream++), [4], 'i32');
    const drawn = empty(device, 'f32', shape);
    fillRandom(drawn, state, { distribution: 'normal' });
    const wanted = dtype === 'f32' ? drawn : cast(drawn, dtype);
    if (wanted !== drawn) drawn.dispose();
    state.dispose();
    return wanted;
  };
}

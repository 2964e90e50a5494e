/** Where kernels find the start position of a row of the batch: at `position[row * step]`. */
import type { View } from '@qsparse/core';

/** 1 where each row has its own, 0 where all share one or there is none. */
export const positionStep = (position: View | undefined): 0 | 1 =>
  position && position.shape[0]! > 1 ? 1 : 0;

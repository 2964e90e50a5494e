/** Kernels of the elementwise, shape and random ops. */
import type { CpuKernel } from '../launch.ts';
import { argmax } from './argmax.ts';
import { binary } from './binary.ts';
import { broadcast } from './broadcast.ts';
import { cast } from './cast.ts';
import { copySection } from './copy-section.ts';
import { permute } from './permute.ts';
import { random } from './random.ts';
import { reduce } from './reduce.ts';
import { sample } from './sample.ts';
import { scale } from './scale.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { softmaxBackward } from './softmax-backward.ts';
import { unary } from './unary.ts';
import { unaryBackward } from './unary-backward.ts';

export const elementwiseKernels: readonly CpuKernel[] = [
  argmax,
  binary,
  broadcast,
  cast,
  copySection,
  permute,
  random,
  reduce,
  sample,
  scale,
  slice,
  softmax,
  softmaxBackward,
  unary,
  unaryBackward,
];

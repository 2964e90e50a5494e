/** GPUs through WebGPU, in browsers and in Node. `webgpuDevice()` opens one. */
export { type WarmupProgress, type WebGpuDevice, type WebGpuOptions, webgpuDevice } from './device.ts';
export { DeviceLostError, KernelError, LimitError } from './errors.ts';
export type { GpuOptions } from './gpu.ts';
export type { PipelineKey } from './pipelines.ts';
export type { LaunchTime, WebGpuProgram } from './program.ts';
export type { Variant } from './variant.ts';

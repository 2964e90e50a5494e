/** The layer below the CPU device: kernels by name, shared memory, threads. No tensors. */
export { CpuRuntimeError, type RuntimeErrorCode } from './errors.ts';
export { argumentBytes, type KernelArguments, type KernelName, type MemoryViews } from './memory.ts';
export type { Simd } from './module.ts';
export { type Runtime, type RuntimeOptions, startRuntime } from './start.ts';

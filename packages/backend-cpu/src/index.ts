/** The CPU backend: WebAssembly SIMD kernels with threads, for Node and browsers. */
export { type CpuDevice, type CpuOptions, type CpuProgram, cpuDevice } from './device.ts';
export { CpuRuntimeError, type RuntimeErrorCode } from './runtime/errors.ts';
export type { Simd } from './runtime/module.ts';

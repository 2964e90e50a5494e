/** NVIDIA GPUs from Node. `cudaDevice()` opens one. */
export { type CudaDevice, type CudaOptions, type CudaProgram, cudaDevice } from './device.ts';
export { CudaError } from './driver/errors.ts';
export { LIBRARIES, type LibraryName, openLibrary } from './driver/libraries.ts';
export type { Origin } from './modules/modules.ts';
export type { LaunchTime } from './profile.ts';

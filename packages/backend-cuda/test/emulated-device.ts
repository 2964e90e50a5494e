/** The CUDA device of the tests: the real backend over a driver library that runs the kernels on the CPU. */
import { type CudaDevice, type CudaOptions, cudaDevice } from '../src/index.ts';
import { buildEmulator } from './emulator/build-emulator.mjs';

const built = buildEmulator();

/** Why there is no emulator here; undefined where it works. */
export const missing: string | undefined = 'missing' in built ? built.missing : undefined;

export function emulatedDevice(options: CudaOptions = {}): Promise<CudaDevice> {
  if ('missing' in built) throw new Error(built.missing);
  const { path, cublasLt } = built;
  return cudaDevice({
    cacheFolder: '',
    ...options,
    libraries: { cuda: path, cublasLt, ...options.libraries },
  });
}

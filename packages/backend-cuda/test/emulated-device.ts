/** The CUDA device of the tests: the real backend over a driver library that runs the kernels on the CPU. */
// By name: the run of what is published (QSPARSE_TARGET=dist) gets dist.
import { type CudaDevice, type CudaOptions, cudaDevice } from '@qsparse/backend-cuda';
import koffi from 'koffi';
import { buildEmulator } from './emulator/build-emulator.mjs';

const built = buildEmulator();

/** Why there is no emulator here; undefined where it works. */
export const missing: string | undefined = 'missing' in built ? built.missing : undefined;

/** True where dist is tested. Its kernels and launch code are those of the sources, whose run has checked all of them. */
export const isDist: boolean = process.env.QSPARSE_TARGET === 'dist';

/** Path of the library that stands in for libcuda and cuBLASLt. */
export function emulatorPath(): string {
  if ('missing' in built) throw new Error(built.missing);
  return built.path;
}

export function emulatedDevice(options: CudaOptions = {}): Promise<CudaDevice> {
  const path = emulatorPath();
  return cudaDevice({
    cacheFolder: '',
    ...options,
    libraries: { cuda: path, cublasLt: path, ...options.libraries },
  });
}

const KINDS = [
  ...['allocations', 'bytes', 'hostAllocations', 'contexts', 'streams', 'events', 'modules', 'functions'],
  ...['graphs', 'graphExecs'],
] as const;
const DEFAULTS = {
  ...{ FAIL: '', MEMORY: String(8 * 2 ** 30), DRIVER: '13000', DEVICES: '1', CAPABILITY: '90' },
  ...{ LATE: '0', STICKY: '1', QUIET: '0', WATCH: '1' },
};
export type EmulatorOption = keyof typeof DEFAULTS;

export interface EmulatorControl {
  /** Changes options (test/emulator/README.md) until `reset`. */
  set(options: Partial<Readonly<Record<EmulatorOption, string | number>>>): void;
  /** Options as they are by default and, after a failed kernel, a driver that works again. Every device must be gone. */
  reset(): void;
  /** What is alive below the backend, by kind. */
  alive(): Readonly<Record<string, number>>;
  launches(): number;
}

export function openEmulator(): EmulatorControl {
  const library = koffi.load(emulatorPath());
  const change = library.func('int qsparseEmulatedSet(const char *name, const char *value)');
  const count = library.func('double qsparseEmulatedCount(const char *what)') as (what: string) => number;
  const reset = library.func('void qsparseEmulatedReset()');
  const set: EmulatorControl['set'] = (options) => {
    for (const [name, value] of Object.entries(options))
      if (change(name, String(value)) !== 1) throw new Error(`the emulator has no ${name}=${value}`);
  };
  return {
    set,
    reset() {
      reset();
      set(DEFAULTS);
    },
    alive: () => Object.fromEntries(KINDS.map((kind) => [kind, count(kind)])),
    launches: () => count('launches'),
  };
}

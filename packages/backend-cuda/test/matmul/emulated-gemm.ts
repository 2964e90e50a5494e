/** cuBLASLt's stand-in and a device of its own for it: products with operands that a test can look into. */
import koffi from 'koffi';
import { openDriver } from '../../src/driver/driver.ts';
import { createGemm, type Gemm, type GemmOptions } from '../../src/matmul/gemm.ts';
import { buildEmulator } from '../emulator/build-emulator.mjs';

const built = buildEmulator();

export { missing } from '../emulated-device.ts';

/** What the stand-in is told and asked (test/emulator/cublas-lt.cpp). */
export interface Control {
  /** Changes an option of the emulator (test/emulator/README.md). */
  set(option: string, value: string): void;
  /** Each of these calls gives its status from now on, and no other call fails. */
  fail(calls: Readonly<Record<string, number>>): void;
  slow(algorithms: number): void;
  calls(call: string): number;
  lastAlgorithm(): number;
  live(): number;
}

export interface EmulatedGemm {
  readonly gemm: Gemm;
  readonly control: Control;
  /** float32 memory of the device. */
  floats(values: ArrayLike<number>, shift?: number): { readonly address: number; values(): Float32Array };
  finish(): void;
  close(): void;
}

export function openControl(): Control {
  if ('missing' in built) throw new Error(built.missing);
  const library = koffi.load(built.cublasLt);
  const change = library.func('int qsparseEmulatedSet(const char *name, const char *value)');
  const set = (option: string, value: string): void => {
    if (change(option, value) !== 1) throw new Error(`the emulator has no ${option}=${value}`);
  };
  return {
    set,
    fail(calls) {
      const rules = Object.entries(calls).map(([call, status]) => `${call}:1+:${status}`);
      set('FAIL', rules.join(','));
    },
    slow: library.func('void qsparseCublasLtSlow(uint32 algorithms)') as Control['slow'],
    calls: library.func('int qsparseCublasLtCalls(const char *call)') as Control['calls'],
    lastAlgorithm: library.func('int qsparseCublasLtLastAlgorithm()') as Control['lastAlgorithm'],
    live: library.func('int qsparseCublasLtLive()') as Control['live'],
  };
}

export function openGemm(options: Partial<GemmOptions> = {}): EmulatedGemm {
  if ('missing' in built) throw new Error(built.missing);
  const control = openControl();
  const driver = openDriver(built.path);
  const device = driver.integer('cuDeviceGet', 0);
  driver.call('cuCtxSetCurrent', driver.make('cuDevicePrimaryCtxRetain', device));
  const stream = driver.make('cuStreamCreate', 1);
  const addresses = new Set<number>();
  const alloc = (bytes: number): number => {
    const address = driver.make('cuMemAlloc', bytes);
    addresses.add(address);
    return address;
  };
  const free = (address: number): void => {
    addresses.delete(address);
    driver.call('cuMemFree', address);
  };
  const gemm = createGemm({
    driver,
    stream,
    gpu: 'emulated',
    cacheFolder: '',
    path: built.cublasLt,
    enabled: true,
    workspaceBytes: 2 ** 20,
    alloc,
    free,
    isCapturing: () => false,
    ...options,
  });
  return {
    gemm,
    control,
    floats(values, shift = 0) {
      const address = alloc(values.length * 4 + shift) + shift;
      // Memory of the emulated device is memory of this process.
      const memory = new Float32Array(koffi.view(BigInt(address), values.length * 4));
      memory.set(values);
      return { address, values: () => memory.slice() };
    },
    finish: () => driver.call('cuStreamSynchronize', stream),
    close() {
      driver.call('cuStreamSynchronize', stream);
      gemm.dispose();
      for (const address of addresses) driver.call('cuMemFree', address);
      driver.call('cuStreamDestroy', stream);
      driver.call('cuDevicePrimaryCtxRelease', device);
    },
  };
}

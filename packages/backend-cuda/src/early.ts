/**
 * Launches whose blocks may be placed while the launch before them still runs (CUDA's programmatic dependent launch). It
 * is safe for every kernel, since KERNEL() in device.cuh waits in front of each body; machine code from PTX of an older
 * capability has no such wait, and is launched as always.
 */
import koffi from 'koffi';
import type { Driver } from './driver/driver.ts';

export interface EarlyLaunches {
  /** Whether this kernel's code waits by itself. */
  takes(kernel: number): boolean;
  /** Like cuLaunchKernel; returns its status. */
  launch(kernel: number, blocks: readonly number[], threads: number, shared: number, params: number): number;
  dispose(): void;
}

/** Drivers from here on (CUDA 12.4) keep such launches apart from others in a graph. */
const OLDEST_DRIVER = 12_040;
/** CU_FUNC_ATTRIBUTE_PTX_VERSION: 10 · major + minor of what the source was compiled for; 90 has the wait. */
const PTX_VERSION = 5;
const OLDEST_CODE = 90;
/** CUlaunchConfig, its one CUlaunchAttribute behind it, and CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION. */
const [CONFIG_BYTES, ATTRIBUTE_BYTES, PROGRAMMATIC] = [56, 72, 6];

export function createEarlyLaunches(driver: Driver, stream: number): EarlyLaunches {
  const bytes = CONFIG_BYTES + ATTRIBUTE_BYTES;
  const memory: unknown = koffi.alloc('char', bytes);
  const address = koffi.address(memory);
  const view = new DataView(koffi.view(memory, bytes));
  const word = (at: number, value: number): void => view.setUint32(at, value, true);
  for (let at = 0; at < bytes; at += 4) word(at, 0);
  view.setBigUint64(32, BigInt(stream), true);
  view.setBigUint64(40, address + BigInt(CONFIG_BYTES), true);
  word(48, 1);
  word(CONFIG_BYTES, PROGRAMMATIC);
  word(CONFIG_BYTES + 8, 1);
  const known = new Map<number, boolean>();
  return {
    takes(kernel) {
      let takes = known.get(kernel);
      if (takes === undefined) {
        takes =
          driver.version >= OLDEST_DRIVER &&
          driver.integer('cuFuncGetAttribute', PTX_VERSION, kernel) >= OLDEST_CODE;
        known.set(kernel, takes);
      }
      return takes;
    },
    launch(kernel, blocks, threads, shared, params) {
      for (const [axis, count] of blocks.entries()) {
        word(4 * axis, count);
        word(12 + 4 * axis, axis === 0 ? threads : 1);
      }
      word(24, shared);
      return driver.raw.cuLaunchKernelEx(Number(address), kernel, params, 0);
    },
    dispose: () => koffi.free(memory),
  };
}

/**
 * Zeros in a GPU's memory that kernels count in and leave zero: made when the first kernel asks, which may be while a stream
 * is captured, so that they are written on a stream of their own.
 */
import type { Driver } from './driver/driver.ts';
import { createStaging } from './staging.ts';

/** How many there are. */
export const COUNTERS = 2 ** 17;

const NON_BLOCKING = 1;

/** Memory of COUNTERS zeros of 4 bytes; who calls frees it. */
export function makeCounters(driver: Driver): number {
  const bytes = 4 * COUNTERS;
  const address = driver.make('cuMemAlloc', bytes);
  let stream = 0;
  try {
    stream = driver.make('cuStreamCreate', NON_BLOCKING);
    const staging = createStaging(driver, stream);
    try {
      staging.write(address, new Uint8Array(bytes));
      driver.call('cuStreamSynchronize', stream);
    } finally {
      staging.dispose();
    }
    return address;
  } catch (error) {
    driver.raw.cuMemFree(address);
    throw error;
  } finally {
    if (stream) driver.raw.cuStreamDestroy(stream);
  }
}

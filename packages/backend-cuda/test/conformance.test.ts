/** Every op, through the real backend and its kernels, on a driver that runs them on the CPU. */
import { conformance } from '@qsparse/conformance';
import { describe, test } from 'vitest';
import { emulatedDevice, missing } from './emulated-device.ts';

if (missing) test.skip(`no emulator: ${missing}`, () => {});
else {
  describe('with cuBLASLt', () => conformance(() => emulatedDevice()));
}

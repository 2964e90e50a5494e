/** Every op, through the real backend and its kernels, on a driver that runs them on the CPU. */
import { conformance } from '@qsparse/conformance';
import type { Device } from '@qsparse/core';
import { describe, test } from 'vitest';
import { emulatedDevice, isDist, missing, openEmulator } from './emulated-device.ts';

/** A thousand steps take long on a busy machine. */
const LONG = { timeout: 120_000 };
/** One op of each kind: an own kernel, a product, a selection. */
const SOME = ['scaleOp', 'matmulOp', 'sparsifyOp'];
/** Later replays do what earlier ones did, on other values: the emulator looks at the accesses of these. */
const WATCHED_REPLAYS = 20;

if (missing) test.skip(`no emulator: ${missing}`, () => {});
else {
  // The kernels of dist are those of the sources, whose run checks every op: here it is that what is published works.
  const options = isDist ? { only: SOME } : {};
  describe('with cuBLASLt', LONG, () =>
    conformance(async () => watchedAtFirst(await emulatedDevice()), options),
  );
}

/** The device, with programs whose many replays take half of the time. */
function watchedAtFirst(device: Device): Device {
  const emulator = openEmulator();
  const record: Device['record'] = () => {
    const recording = device.record();
    return {
      end() {
        const program = recording.end();
        let replays = 0;
        return {
          ...program,
          replay() {
            if (replays++ === WATCHED_REPLAYS) emulator.set({ WATCH: 0 });
            program.replay();
          },
          dispose() {
            emulator.set({ WATCH: 1 });
            program.dispose();
          },
        };
      },
      abort: () => recording.abort(),
    };
  };
  return Object.create(device, { record: { value: record } }) as Device;
}

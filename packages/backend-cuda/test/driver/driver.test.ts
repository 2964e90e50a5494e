/** Opening the driver: each way in which it can be missing or unfit is one line with what to do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeviceError, QSparseError } from '@qsparse/core';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { forgetContext, openDriver, showVersion } from '../../src/driver/driver.ts';
import { CudaError } from '../../src/driver/errors.ts';
import { openLibrary } from '../../src/driver/libraries.ts';
import { type EmulatorControl, emulatorPath, missing, openEmulator } from '../emulated-device.ts';

const folder = mkdtempSync(join(tmpdir(), 'qsparse-driver-'));
afterAll(() => rmSync(folder, { recursive: true }));
const LINUX = process.platform === 'linux';

function failureOf(work: () => unknown): QSparseError {
  try {
    work();
  } catch (error) {
    if (!(error instanceof QSparseError)) throw error;
    expect(error.message).not.toContain('\n');
    expect(error.message).toMatch(/^\[cuda\] /);
    expect(error.hint).not.toBe('');
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('without a driver', () => {
  test('a path that does not exist', () => {
    const error = failureOf(() => openDriver(join(folder, 'nothing.so')));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain('the NVIDIA driver cannot be loaded: ');
    expect(error.message).toContain('(from the options)');
    expect(error.hint).toContain('correct the path, or use --device cpu');
  });

  test('a file that is no library', () => {
    const path = join(folder, 'text.so');
    writeFileSync(path, 'not a library');
    const error = failureOf(() => openDriver(path));
    expect(error.message).toContain(path);
    expect(error.message).toContain('cannot be loaded');
  });

  test.runIf(LINUX)('a library that is not the driver', () => {
    const error = failureOf(() => openDriver('libm.so.6'));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain('libm.so.6 is not the NVIDIA driver: it has no cuInit');
  });

  test('the environment variable is named where it is what points to nothing', () => {
    const before = process.env.QSPARSE_LIBNVRTC;
    process.env.QSPARSE_LIBNVRTC = join(folder, 'gone.so');
    try {
      const found = openLibrary('nvrtc', undefined);
      expect(found).toMatchObject({
        missing: expect.stringContaining('(from QSPARSE_LIBNVRTC)'),
        broken: true,
      });
    } finally {
      if (before === undefined) delete process.env.QSPARSE_LIBNVRTC;
      else process.env.QSPARSE_LIBNVRTC = before;
    }
  });
});

describe.skipIf(missing)('with a driver', () => {
  const emulator = missing ? ({} as EmulatorControl) : openEmulator();
  afterEach(() => emulator.reset());

  test('it is too old', () => {
    emulator.set({ DRIVER: 11_040 });
    const error = failureOf(() => openDriver(emulatorPath()));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain(
      'must know CUDA 12.0 or newer, this one knows 11.4; update the NVIDIA driver',
    );
  });

  test('it has no device', () => {
    emulator.set({ DEVICES: 0 });
    const error = failureOf(() => openDriver(emulatorPath()));
    expect(error).toBeInstanceOf(CudaError);
    expect(error.message).toContain('cuInit failed with CUDA_ERROR_NO_DEVICE (100); check that nvidia-smi');
  });

  test('a context is made current where another one is, and not again', () => {
    const driver = openDriver(emulatorPath());
    const context = driver.make('cuDevicePrimaryCtxRetain', 0);
    forgetContext();
    driver.enter(context);
    emulator.set({ FAIL: 'cuCtxSetCurrent:1+' });
    driver.enter(context);
    expect(() => driver.enter(context + 8)).toThrow(CudaError);
    forgetContext();
    expect(() => driver.enter(context)).toThrow(CudaError);
  });

  test('a call fails: its name, the name of the error, what was asked', () => {
    const driver = openDriver(emulatorPath());
    expect(driver).toMatchObject({ emulated: true, version: 13_000 });
    const error = failureOf(() => driver.check('cuMemAlloc', 2, '77 bytes'));
    expect(error).toMatchObject({ call: 'cuMemAlloc', status: 2, code: 'device' });
    expect(error.message).toContain(
      'cuMemAlloc of 77 bytes failed with CUDA_ERROR_OUT_OF_MEMORY (2); use a smaller',
    );
    expect(() => driver.check('cuInit', 12_345)).toThrow('failed with an unknown error (12345)');
    expect(() => driver.check('cuInit', 0)).not.toThrow();
  });
});

test('versions', () => {
  expect([showVersion(13_000), showVersion(12_040), showVersion(11_080)]).toEqual(['13.0', '12.4', '11.8']);
});

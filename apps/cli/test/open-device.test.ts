/** `auto` takes a GPU that works, says why it passes over one that should, and nothing where there is none. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  type EmulatorControl,
  emulatorPath,
  missing,
  openEmulator,
} from '../../../packages/backend-cuda/test/emulated-device.ts';
import { openDevice } from '../src/open-device.ts';

const before = process.env.QSPARSE_LIBCUDA;
const use = (path: string | undefined): void => {
  if (path === undefined) delete process.env.QSPARSE_LIBCUDA;
  else process.env.QSPARSE_LIBCUDA = path;
};
const open = async (name: 'auto' | 'cuda'): Promise<{ name: string; notes: readonly string[] }> => {
  const notes: string[] = [];
  const device = await openDevice({ device: name, threads: 1 }, (line) => notes.push(line));
  device.dispose();
  return { name: device.name, notes };
};

describe.skipIf(missing)('with a driver', () => {
  const emulator = missing ? ({} as EmulatorControl) : openEmulator();
  afterEach(() => {
    use(before);
    emulator.reset();
  });

  test('auto takes cuda', async () => {
    use(emulatorPath());
    expect(await open('auto')).toEqual({ name: 'cuda', notes: [] });
  });

  test.each([
    [{ DEVICES: 0 }, 'CUDA_ERROR_NO_DEVICE (100); check that nvidia-smi'],
    [{ DRIVER: 11_040 }, 'must know CUDA 12.0 or newer, this one knows 11.4; update'],
    [{ CAPABILITY: 61 }, 'kernels need compute capability 7.5'],
    [{ FAIL: 'cuInit:1:803' }, '(803); restart the machine'],
  ])('that is unfit, %o: the CPU, and why', async (options, reason) => {
    use(emulatorPath());
    emulator.set(options);
    const { name, notes } = await open('auto');
    expect(name).toBe('cpu');
    expect(notes).toEqual([expect.stringContaining('cuda is not used: ')]);
    expect(notes[0]).toContain(reason);
  });
});

describe('without one', () => {
  afterEach(() => use(before));

  test('that was asked for by its path, it is said', async () => {
    use('/nowhere/libcuda.so.1');
    const { name, notes } = await open('auto');
    expect(name).toBe('cpu');
    expect(notes).toEqual([
      expect.stringContaining('the NVIDIA driver cannot be loaded: /nowhere/libcuda.so.1'),
    ]);
    await expect(open('cuda')).rejects.toThrow('QSPARSE_LIBCUDA');
  });

  test('auto says nothing', async () => {
    use('');
    const { name, notes } = await open('auto');
    // A machine with a GPU takes it.
    expect(['cpu', 'cuda']).toContain(name);
    if (name === 'cpu' && notes.length > 0) expect(notes[0]).not.toContain('there is no NVIDIA driver');
  });
});

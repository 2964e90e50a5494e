/** The device itself: opening, misuse, failures of the driver and of kernels, and that nothing is left behind. */

import { CudaError } from '@qsparse/backend-cuda';
import {
  argmaxOp,
  capture,
  DeviceError,
  DisposedError,
  full,
  matmul,
  OutOfMemoryError,
  QSparseError,
  ShapeError,
  scale,
  scaleOp,
  scope,
  tensor,
  zeros,
} from '@qsparse/core';
import { afterEach, describe, expect, test } from 'vitest';
import { type EmulatorControl, emulatedDevice, missing, openEmulator } from './emulated-device.ts';

const emulator = missing ? ({} as EmulatorControl) : openEmulator();
const nothing = (): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.keys(emulator.alive()).map((kind) => [kind, 0]));

async function failureOf(work: () => unknown): Promise<QSparseError> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof QSparseError)) throw error;
    expect(error.message).not.toContain('\n');
    return error;
  }
  throw new Error('nothing was thrown');
}
/** A product, a kernel, a captured step, a copy each way: something of everything that a device keeps. */
async function useAll(device: Awaited<ReturnType<typeof emulatedDevice>>): Promise<() => void> {
  const x = full(device, [8, 8], 1);
  const step = capture(({ y }) => scale(matmul(y!, x), 2));
  for (let i = 0; i < 3; i++) expect((await step({ y: x }).data())[63]).toBe(16);
  return () => {
    step.dispose();
    x.dispose();
  };
}

describe.skipIf(missing)('opening', () => {
  afterEach(() => emulator.reset());

  test('an ordinal out of range', async () => {
    for (const ordinal of [1, -1, 0.5, Number.NaN]) {
      const error = await failureOf(() => emulatedDevice({ ordinal }));
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toContain(`a whole number from 0 to 0, got ${ordinal}; nvidia-smi lists them`);
    }
    expect(emulator.alive()).toEqual(nothing());
  });

  test('a GPU that is too old', async () => {
    emulator.set({ CAPABILITY: 70 });
    const error = await failureOf(() => emulatedDevice());
    expect(error.message).toContain(
      'kernels need compute capability 7.5, Emulated GPU has 7.0; use --device cpu',
    );
    expect(emulator.alive()).toEqual(nothing());
  });

  test.each(['cuDevicePrimaryCtxRetain', 'cuCtxSetCurrent', 'cuStreamCreate'])(
    'a failure of %s leaves nothing, and the next try works',
    async (call) => {
      emulator.set({ FAIL: `${call}:1:2` });
      const error = await failureOf(() => emulatedDevice());
      expect(error).toMatchObject({ code: 'device', call, status: 2 });
      expect(error.message).toContain('CUDA_ERROR_OUT_OF_MEMORY (2); use a smaller');
      expect(emulator.alive()).toEqual(nothing());
      (await emulatedDevice()).dispose();
      expect(emulator.alive()).toEqual(nothing());
    },
  );

  test('without cuBLASLt it works and says what that costs', async () => {
    for (const cublasLt of ['/nowhere/libcublasLt.so', 'libm.so.6']) {
      const device = await emulatedDevice({ libraries: { cublasLt } });
      const what = 'matrix products: own kernels, which are slower: ';
      expect(device.description).toContain(`${what}${cublasLt}`);
      expect(device.report().join('\n')).toContain(`${what}${cublasLt}`);
      const x = tensor(device, [1, 2, 3, 4], [2, 2]);
      expect(Array.from(await matmul(x, x).data())).toEqual([7, 10, 15, 22]);
      device.dispose();
    }
    const off = await emulatedDevice({ cublasLt: false });
    expect(off.description).toContain('own kernels (cuBLASLt is switched off)');
    off.dispose();
  });
});

describe.skipIf(missing)('what is kept', () => {
  afterEach(() => emulator.reset());

  test('devices one after the other, with and without disposing what they hold', async () => {
    for (let i = 0; i < 4; i++) {
      const device = await emulatedDevice();
      const tidy = await useAll(device);
      if (i % 2) tidy();
      device.dispose();
      device.dispose();
      if (!(i % 2)) tidy();
      expect(emulator.alive()).toEqual(nothing());
    }
  });

  test('two devices at a time: neither disturbs the other, nor does its end', async () => {
    const [a, b] = [await emulatedDevice(), await emulatedDevice()];
    const [x, y] = [full(a, [4], 1), full(b, [4], 5)];
    const sums = [scale(x, 2).data(), scale(y, 2).data(), scale(x, 3).data()];
    expect((await Promise.all(sums)).map((values) => values[0])).toEqual([2, 10, 3]);
    await useAll(b);
    expect(() => scope(() => void matmul(zeros(a, [2, 2]), zeros(b, [2, 2])))).toThrow(DeviceError);
    b.dispose();
    expect((await scale(x, 4).data())[0]).toBe(4);
    await useAll(a);
    a.dispose();
    expect(emulator.alive()).toEqual(nothing());
  });

  test('after dispose every use is an error that says so', async () => {
    const device = await emulatedDevice();
    const x = full(device, [4], 1);
    const recorded = device.record();
    scope(() => void scale(x, 2));
    const program = recorded.end();
    const view = { dtype: 'f32', shape: [4], slot: device.alloc(16), offset: 0 } as const;
    const kernel = device.kernel(scaleOp)!;
    device.dispose();
    const uses: Record<string, () => unknown> = {
      alloc: () => device.alloc(16),
      write: () => device.write(view, new Float32Array(4)),
      read: () => device.read(view),
      kernel: () => kernel({ x: view }, { y: view }, { factor: 2 } as never),
      record: () => device.record(),
      replay: () => program.replay(),
      profile: () => program.profile(),
      settled: () => device.settled(),
      time: () => device.time(() => {}),
      gpuMemory: () => device.gpuMemory(),
      report: () => device.report(),
    };
    for (const [name, use] of Object.entries(uses))
      expect(await failureOf(use), name).toBeInstanceOf(DisposedError);
    x.dispose();
    program.dispose();
    program.dispose();
    expect(emulator.alive()).toEqual(nothing());
  });
});

describe.skipIf(missing)('out of memory', () => {
  afterEach(() => emulator.reset());

  test('says what is in use and by whom, and the device goes on', async () => {
    emulator.set({ MEMORY: 96 * 2 ** 20 });
    const device = await emulatedDevice({ cublasLt: false });
    const x = zeros(device, [2 ** 20]);
    const error = await failureOf(() => zeros(device, [30 * 2 ** 20]));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toContain(
      "no room for 120.0 MiB: 4.0 MiB in 1 tensors and 0.0 MiB in captured programs are in use; 92.0 MiB of the GPU's 96.0 MiB are free and 0.0 MiB belong to other programs and the driver; use a smaller batch",
    );
    expect(error.hint).toContain('nvidia-smi');
    expect((await scale(x, 2).data())[0]).toBe(0);
    device.dispose();
    expect(emulator.alive()).toEqual(nothing());
  });

  test('gives back what was kept for reuse before it gives up', async () => {
    emulator.set({ MEMORY: 96 * 2 ** 20 });
    const device = await emulatedDevice({ cublasLt: false });
    zeros(device, [15 * 2 ** 20]).dispose();
    const large = zeros(device, [20 * 2 ** 20]);
    expect(device.memory()).toMatchObject({ free: 0, count: 1 });
    large.dispose();
    device.dispose();
  });

  test("of cuBLASLt's workspace is the same error", async () => {
    emulator.set({ MEMORY: 16 * 2 ** 20 });
    const device = await emulatedDevice();
    const x = zeros(device, [64, 64]);
    const error = await failureOf(() => scope(() => void matmul(x, x)));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toMatch(/^\[cuda\] no room for .*16.0 MiB are free and .*; use a smaller batch/);
    expect((await scale(x, 2).data())[0]).toBe(0);
    device.dispose();
    expect(emulator.alive()).toEqual(nothing());
  });

  test.each(['cuMemAlloc_v2', 'cuGraphInstantiateWithFlags', 'cuGraphLaunch'])(
    'of %s in a capture: nothing is left of the recording, and another one works',
    async (call) => {
      const device = await emulatedDevice({ cublasLt: false });
      const x = full(device, [4], 3);
      const step = capture(({ y }) => scale(scale(y!, 2), 2));
      step({ y: x });
      const before = device.memory();
      // The first allocation is the copy of the input.
      emulator.set({ FAIL: `${call}:${call === 'cuMemAlloc_v2' ? 2 : 1}+:2` });
      const error = await failureOf(() => step({ y: x }));
      emulator.set({ FAIL: '' });
      expect(error).toBeInstanceOf(OutOfMemoryError);
      expect(device.memory()).toMatchObject({ programs: 0 });
      expect(device.memory().live).toBeLessThanOrEqual(before.live);
      expect(emulator.alive()).toMatchObject({ graphs: 0, graphExecs: 0 });
      step.dispose();
      await useAll(device);
      device.dispose();
      expect(emulator.alive()).toEqual(nothing());
    },
  );
});

describe.skipIf(missing)('kernels', () => {
  afterEach(() => emulator.reset());
  /** Where nothing was allocated. */
  const wild = { dtype: 'f32', shape: [4], slot: 4096, offset: 0 } as const;

  test('a grid that is too large', async () => {
    const device = await emulatedDevice();
    const slot = device.alloc(256);
    const x = { dtype: 'f32', shape: [2 ** 31, 1], slot, offset: 0 } as const;
    const y = { dtype: 'i32', shape: [2 ** 31], slot, offset: 0 } as const;
    const launched = emulator.launches();
    const run = () => device.kernel(argmaxOp)!({ x }, { y }, {} as never);
    const error = await failureOf(run);
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.message).toMatch(
      /kernel argmax_f32 takes 1 to 2147483647 blocks along axis 0, got 2147483648; use a smaller batch/,
    );
    expect(emulator.launches()).toBe(launched);
    device.dispose();
  });

  test('one that fails: the first error is the one seen, and disposing neither throws nor hides it', async () => {
    emulator.set({ QUIET: 1, LATE: 1 });
    const device = await emulatedDevice();
    const tidy = await useAll(device);
    const x = full(device, [4], 1);
    device.kernel(scaleOp)!({ x: wild }, { y: wild }, { factor: 2 } as never);
    const error = await failureOf(() => x.data());
    expect(error).toBeInstanceOf(CudaError);
    expect(error.message).toContain('failed with CUDA_ERROR_ILLEGAL_ADDRESS (700); a kernel touched memory');
    expect(await failureOf(() => x.data())).toMatchObject({ status: 700 });
    expect(tidy).not.toThrow();
    expect(() => x.dispose()).not.toThrow();
    expect(() => device.dispose()).not.toThrow();
  });

  test('debug mode names it, in a program too', async () => {
    emulator.set({ QUIET: 1, LATE: 1 });
    const device = await emulatedDevice({ debug: true });
    const run = () => device.kernel(scaleOp)!({ x: wild }, { y: wild }, { factor: 2 } as never);
    const error = await failureOf(run);
    expect(error.message).toMatch(
      /cuStreamSynchronize of kernel scale\w* failed with CUDA_ERROR_ILLEGAL_ADDRESS/,
    );
    device.dispose();
    emulator.reset();
    emulator.set({ QUIET: 1, LATE: 1 });
    const again = await emulatedDevice({ debug: true });
    await useAll(again);
    const recording = again.record();
    again.kernel(scaleOp)!({ x: wild }, { y: wild }, { factor: 2 } as never);
    expect((await failureOf(() => recording.end())).message).toMatch(/kernel scale\w* failed/);
    expect(() => again.dispose()).not.toThrow();
  });
});

describe.skipIf(missing)('recording', () => {
  afterEach(() => emulator.reset());

  test('forbids what cannot be recorded, and ends clean after any of it', async () => {
    const device = await emulatedDevice();
    const view = { dtype: 'f32', shape: [4], slot: device.alloc(16), offset: 0 } as const;
    const before = { ...device.memory(), peak: 0, free: 0 };
    const uses: Record<string, () => unknown> = {
      'take values from the host': () => device.write(view, new Float32Array(4)),
      'be read': () => device.read(view),
      'start another one': () => device.record(),
      'be waited for': () => device.settled(),
      'be timed': () => device.time(() => {}),
    };
    for (const [what, use] of Object.entries(uses)) {
      const recording = device.record();
      expect(await failureOf(use), what).toMatchObject({ code: 'capture' });
      recording.abort();
      recording.abort();
      expect(() => recording.end()).toThrow('this recording has ended');
    }
    expect({ ...device.memory(), peak: 0, free: 0 }).toEqual(before);
    expect(emulator.alive()).toMatchObject({ graphs: 0, graphExecs: 0 });
    await useAll(device);
    device.dispose();
    expect(emulator.alive()).toEqual(nothing());
  });

  test('an error of the body is the one seen, also where the driver has lost the recording', async () => {
    const device = await emulatedDevice();
    const x = full(device, [4], 1);
    let calls = 0;
    const step = capture(({ y }) => {
      const z = scale(y!, 2);
      if (calls++ > 0) throw new RangeError('of the body');
      return z;
    });
    step({ y: x });
    for (const failing of ['', 'cuStreamEndCapture:1:901']) {
      emulator.set({ FAIL: failing });
      expect(() => step({ y: x })).toThrow(new RangeError('of the body'));
      emulator.set({ FAIL: '' });
      if (failing) break;
      expect(device.memory().programs).toBe(0);
      await useAll(device);
    }
    expect(() => device.dispose()).not.toThrow();
  });

  test('that cannot begin or end leaves a device that works', async () => {
    const device = await emulatedDevice();
    emulator.set({ FAIL: 'cuStreamBeginCapture_v2:1' });
    expect(() => device.record()).toThrow(CudaError);
    emulator.set({ FAIL: '' });
    await useAll(device);
    device.dispose();
    expect(emulator.alive()).toEqual(nothing());
  });

  test('that is open when the device goes', async () => {
    const device = await emulatedDevice();
    const recording = device.record();
    device.alloc(100);
    device.dispose();
    recording.abort();
    expect(() => recording.end()).toThrow(DisposedError);
    expect(emulator.alive()).toEqual(nothing());
  });
});

describe.skipIf(missing)('time', () => {
  afterEach(() => emulator.reset());

  test('of work, and of each launch of a program, with nothing left', async () => {
    const device = await emulatedDevice();
    const x = full(device, [64, 64], 1);
    expect(await device.time(() => scope(() => void scale(x, 2)))).toBeGreaterThanOrEqual(0);
    expect(await device.time(() => {})).toBeGreaterThanOrEqual(0);
    const recording = device.record();
    const y = scope(() => scale(matmul(x, x), 2));
    const program = (recording as ReturnType<typeof device.record>).end();
    await y.data();
    const events = emulator.alive().events!;
    const times = await program.profile();
    expect(times).toHaveLength(program.launches);
    expect(times.map(({ name }) => name.replace(/_.*/, ''))).toEqual(['gemm 64 x 64 x 64', 'scale']);
    expect(times[0]!.start).toBe(0);
    for (const { start, duration } of times) expect(Math.min(start, duration)).toBeGreaterThanOrEqual(0);
    expect(emulator.alive().events).toBe(events);
    // The result of a timed run is that of a replay.
    expect((await y.data())[5]).toBe(128);
    emulator.set({ FAIL: 'cuEventCreate:2' });
    await expect(program.profile()).rejects.toThrow('cuEventCreate');
    await expect(
      device.time(() => {
        throw new RangeError('of the work');
      }),
    ).rejects.toThrow('of the work');
    expect(emulator.alive().events).toBe(events);
    y.dispose();
    program.dispose();
    device.dispose();
    expect(emulator.alive()).toEqual(nothing());
  });
});

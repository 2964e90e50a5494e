/** The device itself: opening, limits, memory, overlaps, programs, warm-up, failures, and ends while work is pending. */
import {
  DeviceLostError,
  KernelError,
  LimitError,
  type WebGpuDevice,
  type WebGpuOptions,
  type WebGpuProgram,
} from '@qsparse/backend-webgpu';
import {
  accumulate,
  add,
  argmax,
  asView,
  binaryOp,
  CaptureError,
  capture,
  DeviceError,
  DisposedError,
  empty,
  full,
  matmul,
  OutOfMemoryError,
  paramArena,
  QSparseError,
  section,
  type Tensor,
  tensor,
  type View,
  write,
  zeros,
} from '@qsparse/core';
import { afterEach, describe, expect, test } from 'vitest';
import { missing, openDevice } from './drivers.ts';

const opened: WebGpuDevice[] = [];
const open = async (options?: WebGpuOptions): Promise<WebGpuDevice> => {
  const device = await openDevice(options);
  opened.push(device);
  return device;
};
afterEach(() => {
  for (const device of opened.splice(0)) device.dispose();
});

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
const numbers = async (x: Tensor): Promise<number[]> => Array.from(await x.data());

describe('opening', () => {
  const without = (over: Partial<GPU>): GPU =>
    ({ wgslLanguageFeatures: new Set(), requestAdapter: async () => null, ...over }) as unknown as GPU;

  test('no adapter: the reason, and what to enable', async () => {
    const error = await failureOf(() => openDevice({ gpu: without({}) }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain('WebGPU is there and gives no adapter');
  });

  test('an adapter that gives no device', async () => {
    const requestDevice = async () => {
      throw new Error('too many devices');
    };
    const adapter = { features: new Set(), limits: {}, requestDevice };
    const gpu = without({ requestAdapter: (async () => adapter) as never });
    const error = await failureOf(() => openDevice({ gpu }));
    expect(error.message).toContain('the adapter gives no device (too many devices)');
  });

  test.skipIf(missing)('says what it runs on, and leaves out what it is told to', async () => {
    const device = await open({ without: ['subgroups', 'f16', 'dot8', 'timestamps'] });
    expect(device.variant).toMatchObject({ subgroups: false, subgroupMax: 1, f16: false, dot8: false });
    expect(device.report().join('\n')).toContain('no subgroups, no f16, no packed 8-bit dot products');
    expect(device.caps).toEqual({ compute: ['f32'], float64: false, threads: 1, queued: true });
    const program = capture(({ x }: { x: Tensor }) => add(x, x));
    const x = full(device, [4], 1);
    for (let i = 0; i < 2; i++) program({ x });
    const { profile } = program.program as WebGpuProgram;
    expect((await failureOf(profile)).message).toContain('measures no times');
  });
});

describe.skipIf(missing)('memory', () => {
  test('views of one buffer as input and output, aligned or not', async () => {
    const device = await open();
    const all = tensor(device, [1, 2, 3, 4, 5, 6, 7, 8]);
    const kernel = device.kernel(binaryOp)!;
    const view = (first: number): View => asView(section(all, first, [3]));
    kernel({ a: view(0), b: view(5) }, { y: view(2) }, { kind: 'add' } as never);
    expect(await numbers(all)).toEqual([1, 2, 7, 9, 11, 6, 7, 8]);
  });

  test('bytes beside a written view stay, at every offset', async () => {
    const device = await open();
    const bytes = Array.from({ length: 24 }, (_, i) => i);
    for (let first = 0; first < 5; first++) {
      for (const length of [1, 2, 3, 4, 5, 11]) {
        const whole = tensor(device, bytes, [24], 'i8');
        const part = section(whole, first, [length]);
        write(
          part,
          bytes.slice(0, length).map((i) => -1 - i),
        );
        const expected = bytes.map((i) => (i >= first && i < first + length ? -1 - (i - first) : i));
        expect(await numbers(whole)).toEqual(expected);
        expect(await numbers(part)).toEqual(expected.slice(first, first + length));
      }
    }
  });

  test('a tensor that the adapter does not allow, and more than is allowed in all', async () => {
    const device = await open({ memory: 2 ** 20 });
    const large = await failureOf(() => empty(device, 'f32', [2 ** 40]));
    expect(large).toBeInstanceOf(LimitError);
    expect(large.message).toMatch(
      /a tensor f32 \[1099511627776\] of 4096.0 GiB does not fit: the adapter allows buffers of .* \(maxBufferSize\); use a smaller/,
    );
    const held = empty(device, 'f32', [200_000]);
    const full = await failureOf(() => empty(device, 'f32', [200_000]));
    expect(full).toBeInstanceOf(OutOfMemoryError);
    expect(full.message).toContain('in 1 tensors');
    held.dispose();
    // Freed memory of another size makes room.
    empty(device, 'f32', [250_000]).dispose();
  });

  test('parameters that the adapter does not allow are named, and so is one that a kernel must bind whole', async () => {
    const device = await open({ maxBinding: 8192 });
    const specs = [
      { name: 'norm.weight', shape: [8] },
      { name: 'model.embed_tokens.weight', shape: [2 ** 20, 2 ** 20] },
    ];
    const large = await failureOf(() => paramArena(device, specs));
    expect(large).toBeInstanceOf(LimitError);
    expect(large.message).toMatch(
      /all parameters \(the largest is model\.embed_tokens\.weight \[1048576, 1048576\]\) f32 \[\d+\] of 4096\.0 GiB does not fit: the adapter allows/,
    );
    const arena = paramArena(device, [{ name: 'lm_head.weight', shape: [1, 4096] }], { gradients: false });
    const bound = await failureOf(() => argmax(arena.params.get('lm_head.weight')!));
    expect(bound.message).toMatch(/kernel argmax.*: lm_head\.weight, f32 \[.*4096\], has 16384 bytes/);
  });

  test('a view larger than a binding: named where a kernel needs it whole, cut where not', async () => {
    const device = await open({ maxBinding: 8192 });
    const x = full(device, [100_000], 1);
    accumulate(x, x);
    expect(new Set(await numbers(x))).toEqual(new Set([2]));
    const row = zeros(device, [1, 4096]);
    const error = await failureOf(() => argmax(row));
    expect(error).toBeInstanceOf(LimitError);
    expect(error.message).toMatch(/kernel argmax.*f32 \[.*4096\], has 16384 bytes.*at most 8192 bytes/);
  });
});

describe.skipIf(missing)('programs', () => {
  test('replays follow eager work, and times of kernels add up', async () => {
    const device = await open();
    const x = full(device, [64], 1);
    const step = capture(({ y }: { y: Tensor }) => add(matmul(y, y), y));
    const y = zeros(device, [8, 8]);
    for (let i = 0; i < 300; i++) {
      write(y, new Float32Array(64).fill(i % 7));
      step({ y });
    }
    const expected = 8 * 36 + 6;
    write(y, new Float32Array(64).fill(6));
    expect(await numbers(step({ y }))).toEqual(Array(64).fill(expected));
    if (device.variant.timestamps) {
      const times = await (step.program as WebGpuProgram).profile();
      expect(times).toHaveLength(step.program!.launches);
      for (const { name, start, duration } of times) {
        expect(name).not.toBe('');
        expect(Math.min(start, duration)).toBeGreaterThanOrEqual(0);
      }
      expect(await device.time(() => step({ y }))).toBeGreaterThan(0);
    }
    step.dispose();
    x.dispose();
  });

  test('warm-up compiles what a step would launch, and launches nothing', async () => {
    const device = await open();
    const x = full(device, [8, 8], 3);
    const progress: number[] = [];
    await device.warmup(
      () => void matmul(x, x).dispose(),
      ({ done, total }) => progress.push(done / total),
    );
    expect(progress.at(-1)).toBe(1);
    const before = device.pipelines;
    expect(before.some(({ module }) => module.startsWith('matmul'))).toBe(true);
    expect((await numbers(matmul(x, x)))[0]).toBe(72);
    expect(device.pipelines).toEqual(before);
    const other = await open();
    await other.warmup(JSON.parse(JSON.stringify(before)) as typeof before);
    expect(other.pipelines).toEqual(before);
    expect(await failureOf(() => device.warmup(() => device.record()))).toBeInstanceOf(CaptureError);
  });
});

describe.skipIf(missing)('failures', () => {
  test('a kernel that does not compile: the kernel and the line', async () => {
    const device = await open();
    device.gpu.createShaderModule({ label: 'fill', code: 'fn x() -> f32 {\nreturn 1u;\n}' });
    await device.gpu.queue.onSubmittedWorkDone();
    const error = await failureOf(() => zeros(device, [4]));
    expect(error).toBeInstanceOf(KernelError);
    expect(error.message).toContain('kernel fill: ');
    expect((error as KernelError).line).toBeTypeOf('string');
    expect(await failureOf(() => device.settled())).toBe(error);
  });

  test('a lost device: every use throws it, pending reads too', async () => {
    const device = await open();
    const x = full(device, [4], 1);
    device.gpu.destroy();
    const error = await device.lost;
    expect(error).toBeInstanceOf(DeviceLostError);
    expect(error.reason).toBe('destroyed');
    expect(await failureOf(() => x.data())).toBe(error);
    expect(await failureOf(() => add(x, x))).toBe(error);
    expect(await failureOf(() => device.alloc(4))).toBe(error);
    x.dispose();
  });

  test('after the end, and at the end while work is pending: errors that say so', async () => {
    const device = await open();
    const x = full(device, [256, 256], 1);
    const step = capture(({ y }: { y: Tensor }) => matmul(y, y));
    for (let i = 0; i < 3; i++) step({ y: x });
    const pending = failureOf(() => step({ y: x }).data());
    const warming = failureOf(() => device.warmup([{ module: 'copy', entry: 'none', constants: {} }]));
    device.dispose();
    device.dispose();
    expect(await pending).toBeInstanceOf(DisposedError);
    await warming;
    const uses = [
      () => x.data(),
      () => add(x, x),
      () => device.alloc(4),
      () => device.report(),
      () => step({ y: x }),
    ];
    for (const use of uses) expect(await failureOf(use)).toBeInstanceOf(DisposedError);
    step.dispose();
    x.dispose();
  });
});

/** The products of channel lists, at sizes and settings that the conformance suite does not reach. */
import { randomWord, tensor } from '@qsparse/core';
import { channelBytes, packChannelMajor, sparseGemv, sparseGemvOp, ternaryGemvOp } from '@qsparse/quantizers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { fetchedAhead, gemvParts } from '../../src/kernels/gemv-parts.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  expectSameInAnyOrder,
  floats,
  type KernelCase,
  normals,
  smallDevice,
  type Values,
  wholes,
} from './against-reference.ts';

interface Sizes {
  readonly rows: number;
  readonly inputs: number;
  readonly k: number;
  readonly outputs: number;
}

/** Lists of which the last row is full, and earlier ones are filled up to a share. */
function lists({ rows, inputs, k }: Sizes, value: (i: number) => number, dtype: 'f32' | 'i8') {
  const counts = Array.from({ length: rows }, (_, row) => Math.ceil((k * (row + 1)) / rows));
  const isFilled = (i: number): boolean => i % k < counts[Math.floor(i / k)]!;
  const values = floats([rows, k], (i) => (isFilled(i) ? value(i) : 0));
  return {
    indices: wholes([rows, k], (i) => (isFilled(i) ? Math.floor(((i % k) * inputs) / k) : 0)),
    values: { ...values, dtype },
    count: wholes([rows], (row) => counts[row]!),
  };
}

function sparseCase(sizes: Sizes, stored: 'f32' | 'bf16' | 'i8', shift = 0): KernelCase {
  const { rows, inputs, outputs } = sizes;
  const shape = [inputs, outputs];
  const w: Values =
    stored === 'i8'
      ? { ...floats(shape, (i) => (randomWord(1, 1, i) % 255) - 127), dtype: 'i8' }
      : normals(1, shape, stored);
  const numbers = normals(2, [rows * sizes.k]).elements;
  const scales = floats([outputs], (o) => 0.01 + 0.001 * (o % 7));
  return {
    op: sparseGemvOp,
    ins: {
      ...lists(sizes, (i) => numbers[i]!, 'f32'),
      ...{ w, add: normals(3, [rows, outputs]), ...(stored === 'i8' && { scales }) },
    },
    attrs: { dtype: 'f32' },
    shift,
    tolerance: 5e-6,
  };
}

function ternaryCase(sizes: Sizes, shift = 0, extreme = false): KernelCase {
  const { rows, inputs, outputs } = sizes;
  const weight = (i: number): number => (extreme ? 1 : (randomWord(4, 1, i) % 3) - 1);
  const codes = packChannelMajor(
    Float64Array.from({ length: outputs * inputs }, (_, i) => weight(i)),
    outputs,
    inputs,
  );
  const w = floats([inputs, channelBytes(outputs)], (i) => (codes[i]! << 24) >> 24);
  const value = (i: number): number => (extreme ? 127 : (randomWord(5, 1, i) % 255) - 127);
  return {
    op: ternaryGemvOp,
    ins: {
      ...lists(sizes, value, 'i8'),
      ...{ w: { ...w, dtype: 'i8' }, scale: floats([rows], (row) => 0.01 * (row + 1)) },
      scales: floats([outputs], (o) => 0.5 + 0.01 * (o % 9)),
    },
    attrs: { dtype: 'f32' },
    shift,
    tolerance: 3e-7,
  };
}

/** More entries than are held at a time; parts that are added by the last block; several rows and a run that is not whole. */
const SIZES: readonly Sizes[] = [
  { rows: 1, inputs: 2500, k: 2300, outputs: 528 },
  { rows: 1, inputs: 2500, k: 2307, outputs: 71 },
  { rows: 3, inputs: 700, k: 261, outputs: 24 },
  { rows: 2, inputs: 64, k: 64, outputs: 1040 },
];
/** lanes, blocks, entries, few, ahead. */
const SETTINGS = ['8,4,8,0,0', '16,40,64,0,100', '32,2,16,1'];

describe.skipIf(missing)('products of channel lists', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());
  afterEach(() => {
    delete process.env.QSPARSE_GEMV_TUNING;
  });

  describe.each(SIZES)('$rows rows, $k of $inputs channels, $outputs outputs', (sizes) => {
    test.each(['f32', 'bf16', 'i8'] as const)('%s', (stored) =>
      expectLikeReference(device, sparseCase(sizes, stored)),
    );
    test('ternary', () => expectLikeReference(device, ternaryCase(sizes)));
    test.each(SETTINGS)('with %s', async (setting) => {
      process.env.QSPARSE_GEMV_TUNING = setting;
      await expectLikeReference(device, sparseCase(sizes, 'bf16'));
      await expectLikeReference(device, ternaryCase(sizes));
    });
  });

  test('out of alignment', async () => {
    const sizes = { rows: 2, inputs: 90, k: 51, outputs: 272 };
    for (const stored of ['f32', 'bf16', 'i8'] as const)
      await expectLikeReference(device, sparseCase(sizes, stored, 1));
    await expectLikeReference(device, ternaryCase(sizes, 1));
  });

  test('sums far past 16 bits and past the whole numbers of float32 before they are scaled', async () => {
    const sizes = { rows: 1, inputs: 140_000, k: 140_000, outputs: 3 };
    await expectLikeReference(device, ternaryCase(sizes, 0, true));
  });

  test('an index outside of one part spoils its row alone', async () => {
    for (const make of [(sizes: Sizes) => sparseCase(sizes, 'bf16'), (sizes: Sizes) => ternaryCase(sizes)]) {
      for (const wrong of [-1, 300, 2 ** 31 - 1]) {
        const whole = make({ rows: 2, inputs: 300, k: 299, outputs: 40 });
        whole.ins.indices!.elements[170 - 100 * (wrong & 1)] = wrong;
        await expectLikeReference(device, whole);
      }
    }
  });

  test('counters that a recording asks for first', async () => {
    const fresh = await smallDevice();
    try {
      const [k, outputs] = [200, 30];
      const list = {
        indices: tensor(
          fresh,
          Int32Array.from({ length: k }, (_, i) => i),
          [1, k],
          'i32',
        ),
        values: tensor(fresh, new Float32Array(k).fill(1), [1, k]),
        count: tensor(fresh, [k], [1], 'i32'),
      };
      const w = tensor(fresh, new Float32Array(k * outputs).fill(1), [k, outputs]);
      const recording = fresh.record();
      const y = sparseGemv(list, w);
      const program = recording.end();
      for (let i = 0; i < 3; i++) program.replay();
      expect(Array.from(await y.data())).toEqual(Array(outputs).fill(k));
      program.dispose();
    } finally {
      fresh.dispose();
    }
  });

  test('the same bits whichever block comes last', async () => {
    await expectSameInAnyOrder(device, sparseCase(SIZES[1]!, 'bf16'));
    await expectSameInAnyOrder(device, ternaryCase(SIZES[2]!));
  });
});

describe('how a product is cut', () => {
  const tuning = { lanes: 16, blocks: 4, entries: 64, ahead: 4 };
  const cut = (rows: number, keep: number, outputs: number) =>
    gemvParts({ rows, keep, outputs, laneOutputs: 8 }, tuning, 132);

  test('along the list only as far as the outputs leave the GPU empty', () => {
    expect(cut(1, 2048, 22_016)).toEqual({ lanes: 16, tiles: 172, parts: 4, counters: 172 });
    expect(cut(1, 5504, 4096)).toEqual({ lanes: 16, tiles: 32, parts: 17, counters: 32 });
    expect(cut(1, 2048, 128 * 528)).toMatchObject({ parts: 1 });
    expect(cut(64, 5504, 4096)).toMatchObject({ parts: 1 });
  });
  test('not into parts of few entries, and at least into one', () => {
    expect(cut(1, 130, 4096)).toMatchObject({ parts: 2 });
    expect(cut(1, 1, 1)).toEqual({ lanes: 16, tiles: 1, parts: 1, counters: 0 });
  });
  test('not at all where the counters do not suffice', () => {
    const many = gemvParts({ rows: 2 ** 17, keep: 5000, outputs: 1, laneOutputs: 8 }, tuning, 10_000);
    expect(many).toMatchObject({ parts: 1, counters: 0 });
    const wide = { rows: 2, keep: 5000, outputs: 40_000, laneOutputs: 32, rowCounters: 80_000 };
    expect(gemvParts(wide, tuning, 132)).toMatchObject({ parts: 1, counters: 0 });
  });
  test('what is fetched ahead is even among the blocks, and nothing of a matrix out of alignment', () => {
    const parts = cut(1, 2048, 22_016);
    expect(fetchedAhead({ ahead: 4 }, 1, parts, 4096)).toBe(16 * Math.floor(4e6 / (172 * 4) / 16));
    expect(fetchedAhead({ ahead: 4 }, 1, parts, 4098)).toBe(0);
    expect(fetchedAhead({ ahead: 0 }, 1, parts, 4096)).toBe(0);
  });
});

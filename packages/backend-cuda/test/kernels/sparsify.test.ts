/** The sites of Q-Sparse in every kernel that rows of their width take: to the last bit what their parts give. */
import { fromBf16Bits, gatedActivationOp, normal, rmsNormOp, toBf16Bits } from '@qsparse/core';
import {
  gatedSparsifyOp,
  quantizeInt8Op,
  type SparsifyAttrs,
  selectOp,
  sparsifyOp,
  sparsifyStraightThroughOp,
} from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  expectSameInAnyOrder,
  type Float,
  floats,
  normals,
  outputsOn,
  smallDevice,
  type Values,
} from './against-reference.ts';

const PLAIN: SparsifyAttrs = { k: 1, block: 0, int8: false, ste: true, normalize: false, epsilon: 1e-6 };

/** [width, rows]: two rows a warp, a warp, four warps, a block; others. */
const WIDTHS: Readonly<Record<Float, readonly (readonly [number, number])[]>> = {
  bf16: [
    [384, 35],
    [1024, 7],
    [2048, 9],
    [5632, 3],
    [16_384, 1],
    [1001, 3],
    [16_640, 1],
  ],
  f32: [
    [384, 35],
    [1024, 5],
    [4096, 3],
    [16_384, 1],
    [1001, 3],
  ],
};

/** -0 is 0: which of them an op gives says nothing. */
const positive = (x: ArrayLike<number>): number[] => Array.from(x, (zero) => zero + 0);

const rounded = (x: number): number => fromBf16Bits(toBf16Bits(x));

/** One op's first output as the input of the next. */
function values(x: Values, elements: ArrayLike<number>): Values {
  return { ...x, elements: Float64Array.from(elements) };
}

describe.skipIf(missing)('sparsify', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  /** What the four parts give on the device, one after the other. */
  async function inParts(x: Values, weight: Values | undefined, attrs: SparsifyAttrs): Promise<number[]> {
    const ins = { x, ...(weight && { weight }) };
    const h = attrs.normalize ? values(x, (await outputsOn(device, { op: rmsNormOp, ins, attrs })).y!) : x;
    const mask = (await outputsOn(device, { op: selectOp, ins: { x: h }, attrs })).mask!;
    const levels = attrs.int8
      ? (await outputsOn(device, { op: quantizeInt8Op, ins: { x: h } })).y!
      : h.elements;
    return Array.from(levels, (level, i) => (mask[i] === 0 ? 0 : level * mask[i]! + 0));
  }

  const CASES = (['bf16', 'f32'] as const).flatMap((dtype) =>
    WIDTHS[dtype].flatMap(([width, rows]) =>
      [false, true].map((int8) => [dtype, width, rows, int8] as const),
    ),
  );

  test.each(CASES)('%s, width %i, %i rows, int8 %s: equals its parts', async (dtype, width, rows, int8) => {
    const x = normals(1, [rows, width], dtype, { scale: 3 });
    for (const weighted of [undefined, 'f32', dtype] as const) {
      const weight = weighted && normals(2, [width], weighted, { scale: 0.2, shift: 1 });
      const attrs = { ...PLAIN, k: Math.ceil(width * 0.4), int8, normalize: weighted !== undefined };
      const { y } = await outputsOn(device, { op: sparsifyOp, ins: { x, ...(weight && { weight }) }, attrs });
      expect(positive(y!)).toEqual(await inParts(x, weight, attrs));
    }
  });

  test('bf16 levels are what exact arithmetic gives, also where a quotient is a half', async () => {
    for (const width of [256, 19]) {
      // Largest magnitudes of 254 parts have many exact halves, others have one, at half of the largest.
      const rows = Array.from({ length: 64 }, (_, row) =>
        Array.from({ length: width }, (_, i) => (i === 0 ? 1 + (row * 2) / 128 : ((i % 255) - 127) / 127)),
      );
      rows.push(Array.from({ length: width }, (_, i) => (i === 0 ? 254 : i - 100)));
      rows.push(Array.from({ length: width }, (_, i) => (i === 0 ? -1.5 : i % 2 ? 0.75 : -0.75)));
      rows.push(new Array<number>(width).fill(3e-6));
      const numbers = rows.flat();
      const x = floats([rows.length, width], (i) => numbers[i]!, 'bf16');
      const { y } = await outputsOn(device, { op: quantizeInt8Op, ins: { x } });
      const expected = new Float64Array(x.elements.length);
      quantizeInt8Op.reference({ x: x.elements }, { y: expected }, null, { x, y: x });
      expect(positive(y!)).toEqual(Array.from(expected, (level) => rounded(level) + 0));
    }
  });

  test('float32 levels of huge numbers', async () => {
    const x = normals(5, [3, 64], 'f32', { scale: 6e37 });
    await expectLikeReference(device, { op: quantizeInt8Op, ins: { x } });
  });

  test('squares that float32 cannot hold still give a norm', async () => {
    for (const width of [64, 1001]) {
      const row = normal(3, 1, 3 * width);
      const x = floats([3, width], (i) => row[i]! * (i < width || i >= 2 * width ? 1 : 1e25));
      const attrs = { ...PLAIN, k: width - 1, normalize: true };
      await expectLikeReference(device, { op: sparsifyOp, ins: { x }, attrs });
      await expectLikeReference(device, { op: rmsNormOp, ins: { x }, attrs });
    }
  });

  test('a NaN or an infinity spoils its row and no other', async () => {
    for (const width of [16, 33, 2048, 2056]) {
      for (const bad of [Number.NaN, -Infinity]) {
        const numbers = normal(4, 1, 3 * width);
        numbers[2 * width - 1] = bad;
        const x = floats([3, width], (i) => numbers[i]!, 'bf16');
        for (const attrs of [
          { ...PLAIN, k: 10, int8: true },
          { ...PLAIN, k: 10, normalize: true },
          { ...PLAIN, k: width, normalize: true },
        ]) {
          const { y } = await outputsOn(device, { op: sparsifyOp, ins: { x }, attrs });
          const nans = [0, 1, 2].map(
            (row) =>
              Array.from(y!)
                .slice(row * width, (row + 1) * width)
                .filter(Number.isNaN).length,
          );
          expect(nans).toEqual([0, width, 0]);
        }
      }
    }
  });

  test('blocks, with everything', async () => {
    for (const [block, k] of [
      [4, 2],
      [32, 16],
      [100, 37],
    ] as const) {
      const x = normals(1, [5, 800], 'bf16');
      const attrs = { ...PLAIN, k, block, int8: true, normalize: true };
      const { y } = await outputsOn(device, { op: sparsifyOp, ins: { x }, attrs });
      expect(positive(y!)).toEqual(await inParts(x, undefined, attrs));
    }
  });

  test('the same bits in any order of threads', async () => {
    for (const width of [384, 2048, 5632]) {
      const x = normals(1, [19, width], 'bf16');
      const attrs = { ...PLAIN, k: Math.ceil(width * 0.4), int8: true, normalize: true };
      await expectSameInAnyOrder(device, { op: sparsifyOp, ins: { x }, attrs });
    }
  });

  test('straight through is the same kernel', async () => {
    const x = normals(1, [3, 2048], 'bf16');
    const attrs = { ...PLAIN, k: 800 };
    const [one, other] = await Promise.all(
      [sparsifyOp, sparsifyStraightThroughOp].map((op) => outputsOn(device, { op, ins: { x }, attrs })),
    );
    expect(one!.y).toEqual(other!.y);
  });

  const GATED = (['squared-relu', 'silu', 'gelu'] as const).flatMap((kind) =>
    (
      [...WIDTHS.bf16.map((size) => ['bf16', ...size] as const), ['f32', 384, 35], ['f32', 1001, 3]] as const
    ).map((size) => [kind, ...size] as const),
  );

  test.each(GATED)(
    'gated by %s, %s, width %i, %i rows: equals its parts',
    async (kind, dtype, width, rows) => {
      const x = normals(1, [rows, 2 * width], dtype);
      const half = (first: number): Values =>
        values(
          { dtype, shape: [rows, width], elements: new Float64Array() },
          Array.from({ length: rows * width }, (_, i) => {
            const row = Math.floor(i / width);
            return x.elements[(2 * row + first) * width + (i % width)]!;
          }),
        );
      const [gate, up] = [half(0), half(1)];
      const h = (await outputsOn(device, { op: gatedActivationOp, ins: { gate, up }, attrs: { kind } })).y!;
      const weight = normals(2, [width], 'f32', { scale: 0.2, shift: 1 });
      const k = Math.ceil(width * 0.4);
      for (const attrs of [
        { ...PLAIN, k },
        { ...PLAIN, k, int8: true, normalize: true },
        { ...PLAIN, k: width },
      ]) {
        const ins = { x, ...(attrs.normalize && { weight }) };
        const { y } = await outputsOn(device, { op: gatedSparsifyOp, ins, attrs: { ...attrs, kind } });
        const expected = await inParts(values(gate, h), attrs.normalize ? weight : undefined, attrs);
        expect(positive(y!)).toEqual(expected);
      }
    },
  );
});

/** Ternary rounding of matrices that take many parts, many sections, and rows that begin anywhere. */
import { fromBf16Bits, normal, toBf16Bits } from '@qsparse/core';
import { encodeTernary, ternarizeOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import { expectSameInAnyOrder, type Float, floats, outputsOn, smallDevice } from './against-reference.ts';

const rounded = (x: number): number => fromBf16Bits(toBf16Bits(x));

describe.skipIf(missing)('ternarize', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  /** Not one rounding may differ from float64. */
  async function check(
    shape: readonly [number, number],
    numbers: ArrayLike<number>,
    { sections = [] as readonly number[], from = 'f32' as Float, to = 'f32' as Float, shift = 0 } = {},
  ): Promise<void> {
    const w = floats(shape, (i) => numbers[i]!, from);
    const attrs = { sections, dtype: to };
    const { y, alpha } = await outputsOn(device, { op: ternarizeOp, ins: { w }, attrs, shift });
    let first = 0;
    for (const [i, rows] of (sections.length === 0 ? [shape[0]] : sections).entries()) {
      const last = first + rows * shape[1];
      const { values, scale } = encodeTernary(w.elements.subarray(first, last));
      expect(alpha![i]).toBe(Math.fround(scale));
      const level = to === 'bf16' ? rounded(Math.fround(scale)) : Math.fround(scale);
      const section = Array.from(y!).slice(first, last);
      expect(section.map((value) => value + 0)).toEqual(Array.from(values, (value) => value * level + 0));
      first = last;
    }
  }

  test('one section, several parts', async () => {
    for (const [from, to] of [
      ['f32', 'f32'],
      ['f32', 'bf16'],
      ['bf16', 'bf16'],
    ] as const) {
      await check([331, 303], normal(1, 1, 331 * 303), { from, to });
      await check([64, 1024], normal(2, 1, 64 * 1024), { from, to });
    }
  });

  test('sections of unlike sizes, also more than one pair of launches takes', async () => {
    const sections = [70, 1, 9, ...Array.from({ length: 16 }, (_, i) => i + 1), 3];
    const rows = sections.reduce((sum, count) => sum + count, 0);
    const numbers = normal(3, 1, rows * 301).map((x, i) => x * (1 + (i % 7)));
    for (const to of ['f32', 'bf16'] as const) await check([rows, 301], numbers, { sections, to, shift: 1 });
  });

  test('half of alpha goes to 0, the next float to alpha', async () => {
    const halves = [0.5, -0.5, 0.5 + 2 ** -24, -0.5 - 2 ** -24, 1.5, -1.5, 1.5, -1.5, 1, 1 - 2 ** -23];
    await check([2, 5], halves);
    await check([2, 4], [1, 1, 0.5, 1.5, -0.5, -1.5, 1, 1]);
  });

  test('magnitudes whose sum float32 cannot hold', async () => {
    await check(
      [8, 1024],
      normal(4, 1, 8192).map((x) => x * 6e37),
    );
  });

  test('one NaN or infinity spoils its section and no other', async () => {
    for (const bad of [Number.NaN, -Infinity]) {
      const numbers = normal(6, 1, 3 * 7000);
      numbers[13_000] = bad;
      const w = floats([3, 7000], (i) => numbers[i]!);
      const attrs = { sections: [1, 1, 1], dtype: 'bf16' };
      const { y, alpha } = await outputsOn(device, { op: ternarizeOp, ins: { w }, attrs });
      expect(Array.from(alpha!).map(Number.isNaN)).toEqual([false, true, false]);
      const nans = Array.from(y!).map(Number.isNaN);
      expect(nans.findIndex(Boolean)).toBe(7000);
      expect(nans.filter(Boolean)).toHaveLength(7000);
    }
  });

  test('the same bits in any order of threads', async () => {
    const w = floats([200, 301], (i) => Math.sin(i));
    await expectSameInAnyOrder(device, {
      op: ternarizeOp,
      ins: { w },
      attrs: { sections: [150, 50], dtype: 'f32' },
    });
  });
});

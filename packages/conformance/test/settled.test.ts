import { asRows, roundTo } from '@qsparse/core';
import { selectMask } from '@qsparse/quantizers';
import { describe, expect, test } from 'vitest';
import { intermediates, isSettled, type SiteAttrs, type SiteInputs } from '../src/cases/settled.ts';
import type { AnyCase } from '../src/op-case.ts';
import { opCases } from '../src/op-table.ts';

const NONE = { k: 1, block: 0, int8: false, ste: true, normalize: false, epsilon: 1e-6 };
const row = (elements: readonly number[], dtype: 'f32' | 'bf16' = 'f32') => ({
  x: { dtype, shape: [elements.length], elements: Float64Array.from(elements) },
});

/** Cases of the ops that round to bf16 on the way to a selection. */
const sites = (key: string): readonly AnyCase[] => opCases().find((ops) => ops.key === key)!.cases;
const insOf = ({ ins }: AnyCase) => ins as unknown as SiteInputs;

describe.each(['sparsifyOp', 'gatedSparsifyOp'])('%s', (key) => {
  test('no case in bf16 lies where float32 could round the other way', () => {
    const inBf16 = sites(key).filter(({ bf16 }) => bf16);
    expect(inBf16.length).toBeGreaterThan(100);
    const open = inBf16.filter((one) => !isSettled(insOf(one), one.attrs as SiteAttrs));
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  test('ties by rounding are ties in bf16 alone: selecting before the rounding keeps others', () => {
    const ties = sites(key).filter(({ name }) => name.includes('ties by rounding'));
    expect(ties.length).toBeGreaterThan(5);
    for (const one of ties) {
      const before = intermediates(insOf(one), one.attrs as SiteAttrs).at(-1)!;
      const after = before.slice();
      roundTo('bf16', after);
      const { k, block } = one.attrs as SiteAttrs;
      const width = asRows(one.op.infer(one.ins, one.attrs).y!.shape).width;
      const keptOf = (h: Float64Array) => Array.from(selectMask(h, width, { k, block }));
      expect(keptOf(before), one.name).not.toEqual(keptOf(after));
      expect(keptOf(after).slice(0, 6), one.name).toEqual([1, 1, 1, 1, 1, 0]);
    }
  });
});

test('a middle between two bf16 numbers is not settled', () => {
  const halfWay = row([1 + 2 ** -7, 1, 1 - 2 ** -8, 1], 'bf16');
  const attrs: SiteAttrs = { ...NONE, kind: 'squared-relu' };
  // (1 + 2^-7)² (1 - 2^-8) is 2^-22 below 1 + 1.5 · 2^-7.
  expect(isSettled(halfWay, attrs)).toBe(false);
  expect(isSettled(row([1, 1, 1 - 2 ** -8, 1], 'bf16'), attrs)).toBe(true);
  expect(isSettled(halfWay, { ...attrs, k: 2 })).toBe(true);
});

test('near ties at the cut and near the middle of two levels are not settled; exact ones are', () => {
  const near = row([1, 1 + 1e-7, 3]);
  expect(isSettled(near, { ...NONE, k: 2 })).toBe(false);
  expect(isSettled(near, { ...NONE, k: 1 })).toBe(true);
  expect(isSettled(near, { ...NONE, k: 3 })).toBe(true);
  expect(isSettled(row([1, 1, 3]), { ...NONE, k: 2 })).toBe(true);
  expect(isSettled(row([127, 3.5 + 1e-6]), { ...NONE, k: 2, int8: true })).toBe(false);
  expect(isSettled(row([127, 3.6]), { ...NONE, k: 2, int8: true })).toBe(true);
});

test('rows that are not finite have nothing to settle', () => {
  expect(isSettled(row([1, 1 + 1e-7, Number.NaN]), { ...NONE, k: 2 })).toBe(true);
});

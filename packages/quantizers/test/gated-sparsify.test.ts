import {
  DTypeError,
  gatedActivation,
  noGrad,
  normal,
  run,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import {
  type GatedSparsifyAttrs,
  type GatedSparsifyOptions,
  gatedSparsify,
  gatedSparsifyOp,
  sparsify,
} from '@qsparse/quantizers';
import { expect, test } from 'vitest';

const device = referenceDevice();
const read = (x: Tensor) => Array.from(device.values(x));
/** Without the sign of zero, which a product with a mask keeps and the op does not. */
const unsigned = (values: readonly number[]) => values.map((value) => value + 0);
const KINDS = ['squared-relu', 'silu', 'gelu'] as const;
const full: GatedSparsifyAttrs = {
  ...{ k: 4, block: 0, int8: false, ste: true, normalize: false, epsilon: 1e-6 },
  kind: 'squared-relu',
};

test('the first half of a row is the gate, and k counts products', () => {
  // Squares of what is positive: 4 1 0 9, times 3 -8 5 1: 12 -8 0 9.
  const x = tensor(device, [2, 1, -7, 3, 3, -8, 5, 1], [8]);
  const kind = 'squared-relu';
  expect(unsigned(read(gatedSparsify(x, { kind })))).toEqual([12, -8, 0, 9]);
  expect(unsigned(read(gatedSparsify(x, { kind, k: 2 })))).toEqual([12, 0, 0, 9]);
  expect(unsigned(read(gatedSparsify(x, { kind, keep: 0.25 })))).toEqual([12, 0, 0, 0]);
  expect(unsigned(read(gatedSparsify(x, { kind, k: 1, block: 2 })))).toEqual([12, 0, 0, 9]);
  // 127 · 9 / 12 = 95.25 is level 95.
  expect(read(gatedSparsify(x, { kind, k: 2, int8: true }))[3]).toBeCloseTo((95 * 12) / 127, 12);
});

const selections = [
  { k: 1, block: 0 },
  { k: 5, block: 0 },
  { k: 12, block: 0 },
  { k: 2, block: 4 },
];
const norms = [
  { normalize: false, weight: undefined },
  { normalize: true, weight: undefined },
  { normalize: true, weight: 'same' },
  { normalize: true, weight: 'f32' },
] as const;
const combinations = (['f32', 'bf16'] as const).flatMap((dtype) =>
  selections.flatMap((selection) =>
    [false, true].flatMap((int8) =>
      norms.map(({ normalize, weight }, i) => ({
        dtype,
        attrs: { ...full, ...selection, int8, normalize, epsilon: 1e-5, kind: KINDS[i % 3]! },
        weightDType: weight === 'same' ? dtype : weight,
      })),
    ),
  ),
);

test.each(combinations)(
  'kernel equals composite: $dtype, $attrs, weight $weightDType',
  ({ dtype, attrs, weightDType }) => {
    const values = normal(2, 0, 4 * 24);
    // Ties, zeros of both signs, a row of zeros, a poisoned row.
    values.fill(1, 0, 12);
    values.set([1, -1, 1, -1, 0, -0, 0.5, -0.5], 14);
    values.fill(0, 48, 72);
    values[80] = Number.NaN;
    const x = tensor(device, values, [2, 2, 24], dtype);
    const weight = weightDType && tensor(device, normal(2, 1, 12), [12], weightDType);
    const kernel = run(gatedSparsifyOp, { x, weight }, attrs);
    const composite = gatedSparsifyOp.composite({ x, weight }, attrs);
    expect(Object.keys(composite).sort()).toEqual(Object.keys(kernel).sort());
    expect(unsigned(read(kernel.y))).toEqual(unsigned(read(composite.y)));
    if (attrs.normalize) expect(read(kernel.inverseRms)).toEqual(read(composite.inverseRms));
    // Where all is kept as it is, a NaN is on its own; else it takes its row along.
    const isPlain = attrs.k === 12 && !attrs.int8 && !attrs.normalize;
    expect(read(kernel.y).slice(36).filter(Number.isNaN).length).toBe(isPlain ? 1 : 12);
  },
);

test('keeping all without int8 and norm is the gated activation', () => {
  const values = normal(3, 0, 2 * 14);
  const x = tensor(device, values, [2, 14]);
  const half = (first: number) =>
    tensor(device, [...values.slice(first, first + 7), ...values.slice(first + 14, first + 21)], [2, 7]);
  for (const kind of KINDS) {
    expect(read(gatedSparsify(x, { kind }))).toEqual(read(gatedActivation(half(0), half(7), kind)));
  }
});

test('in bf16 what is equal after rounding is a tie', () => {
  // (1 + 1/128)² = 1 + 1/64 + 2^-14 rounds to 1 + 1/64.
  const x = tensor(device, [1, 1, 1 + 2 ** -7, 1 + 2 ** -6, -1, 1], [6], 'bf16');
  expect(unsigned(read(gatedSparsify(x, { kind: 'squared-relu', k: 1 })))).toEqual([1 + 2 ** -6, 0, 0]);
  const inF32 = tensor(device, [1, 1, 1 + 2 ** -7, 1 + 2 ** -6, -1, 1], [6]);
  expect(unsigned(read(gatedSparsify(inF32, { kind: 'squared-relu', k: 1 })))).toEqual([
    0,
    0,
    (1 + 2 ** -7) ** 2,
  ]);
});

test('is sparsify of the gated activation, in every option', () => {
  const values = normal(5, 0, 48);
  const x = tensor(device, values, [2, 24]);
  const part = (which: number) =>
    tensor(
      device,
      [0, 1].flatMap((row) => [...values.slice((2 * row + which) * 12, (2 * row + which) * 12 + 12)]),
      [2, 12],
    );
  const weight = tensor(device, normal(5, 1, 12), [12]);
  for (const kind of KINDS) {
    const h = gatedActivation(part(0), part(1), kind);
    for (const options of [
      { k: 3 },
      { keep: 0.5, int8: true },
      { k: 2, block: 6, weight },
      { k: 4, normalize: true, epsilon: 0.5 },
      { weight },
    ]) {
      expect(unsigned(read(gatedSparsify(x, { kind, ...options })))).toEqual(
        unsigned(read(sparsify(h, options))),
      );
    }
  }
});

test('types: bf16 stays bf16, inverseRms is f32 and there only with a norm', () => {
  const x = { dtype: 'bf16', shape: [2, 3, 8] } as const;
  const y = { dtype: 'bf16', shape: [2, 3, 4] };
  const weight = { dtype: 'f32', shape: [4] } as const;
  expect(gatedSparsifyOp.infer({ x }, full)).toEqual({ y });
  const inverseRms = { dtype: 'f32', shape: [6] };
  expect(gatedSparsifyOp.infer({ x, weight }, { ...full, normalize: true })).toEqual({ y, inverseRms });
});

test('one launch; noGrad makes a result without a gradient', () => {
  const counted = nullDevice();
  const x = tensor(counted, normal(1, 0, 12), [2, 6]);
  x.value = { dtype: 'f32' };
  counted.resetCounts();
  expect(noGrad(() => gatedSparsify(x, { kind: 'silu', k: 1 })).value).toBeUndefined();
  expect(counted.counts().launches).toEqual({ 'gated-sparsify': 1 });
  expect(gatedSparsify(x, { kind: 'silu' }).value).toBeDefined();
});

const six = () => tensor(device, [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6], [12]);
test.each([
  [
    { k: 0 },
    ValueError,
    /^\[gated-sparsify\] k must be a whole number from 1 to 6, the length of the row, got 0/,
  ],
  [{ k: 7 }, ValueError, /got 7/],
  [{ k: 1, block: 4 }, ShapeError, /block must divide the row of 6 entries, got 4/],
  [{ keep: 1.1 }, ValueError, /\[gated-sparsify\] keep must be above 0 and at most 1, got 1.1/],
  [{ keep: 0.5, k: 3 }, ValueError, /takes k or keep, got both/],
  [{ normalize: true, epsilon: 0 }, ValueError, /epsilon must be finite and more than 0, got 0/],
  [{ weight: six(), normalize: false }, ShapeError, /weight must have shape \[6\], got \[12\]/],
  [{ weight: tensor(device, [1, 2], [2]) }, ShapeError, /weight must have shape \[6\], got \[2\]/],
  [{ weight: tensor(device, [1, 2, 3, 4, 5, 6], [6], 'bf16') }, DTypeError, /weight must be f32, got bf16/],
  [
    { weight: tensor(device, [1, 2, 3, 4, 5, 6], [6]), normalize: false },
    ValueError,
    /weight belongs to the norm/,
  ],
  [{ kind: 'relu' as 'silu' }, ValueError, /kind must be one of squared-relu, silu, gelu, got relu/],
] as const)('refuses %o', (options, type, message) => {
  const call = () => gatedSparsify(six(), { kind: 'silu', ...options } as GatedSparsifyOptions);
  expect(call).toThrow(type);
  expect(call).toThrow(message);
});

test('refuses rows of odd length, integers and scalars', () => {
  const kind = 'silu';
  expect(() => gatedSparsify(tensor(device, [1, 2, 3], [3]), { kind })).toThrow(
    '[gated-sparsify] x must have rows of 2f entries, gate then up, got [3]',
  );
  expect(() => gatedSparsify(tensor(device, [1, 2], [2], 'i32'), { kind })).toThrow(DTypeError);
  expect(() => gatedSparsify(tensor(device, [1], []), { kind })).toThrow(ShapeError);
});

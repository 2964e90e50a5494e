import {
  backward,
  cast,
  DTypeError,
  matmul,
  noGrad,
  normal,
  paramArena,
  rmsNorm,
  run,
  ShapeError,
  scope,
  type Tensor,
  tensor,
  ValueError,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import {
  type SparsifyAttrs,
  sparsify,
  sparsifyOp,
  sparsifyStraightThroughOp,
  sparsityStatistics,
} from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const device = referenceDevice();
const read = (x: Tensor) => Array.from(device.values(x));
/** Without the sign of zero, which a product with a mask keeps and the op does not. */
const unsigned = (values: readonly number[]) => values.map((value) => value + 0);
const full = { k: 4, block: 0, int8: false, ste: true, normalize: false, epsilon: 1e-6 };

test('keeps the k largest and rounds them to the levels of the whole row', () => {
  const x = tensor(device, [1, -4, 2, 2, 0.3, 0, -0, 0.3], [2, 4]);
  expect(read(sparsify(x, { k: 2 }))).toEqual([0, -4, 2, 0, 0.3, 0, 0, 0.3]);
  expect(read(sparsify(x, { k: 1, block: 2 }))).toEqual([0, -4, 2, 0, 0.3, 0, 0, 0.3]);
  expect(read(sparsify(x, { k: 2, int8: true }))[2]).toBeCloseTo((64 * 4) / 127, 14);
  // 127 · 2 / 4 = 63.5 goes to 64, the even one.
  expect(
    read(sparsify(x, { int8: true }))
      .slice(0, 4)
      .map((v) => Math.round((v * 127) / 4)),
  ).toEqual([32, -127, 64, 64]);
});

test('keep is the share of a row, or of a block, that stays', () => {
  const x = tensor(device, normal(1, 0, 40), [2, 20]);
  const zeros = (options: object) => sparsityStatistics(read(sparsify(x, options)), 20);
  expect(zeros({ keep: 0.4 })).toMatchObject({ fewestActive: 8, mostActive: 8 });
  expect(zeros({ keep: 0.1 })).toMatchObject({ fewestActive: 2, mostActive: 2 });
  expect(zeros({ keep: 0.01 })).toMatchObject({ fewestActive: 1, mostActive: 1 });
  expect(zeros({ keep: 0.5, block: 5 })).toMatchObject({ fewestActive: 8, mostActive: 8 });
});

const selections = [
  { k: 1, block: 0 },
  { k: 5, block: 0 },
  { k: 12, block: 0 },
  { k: 1, block: 2 },
  { k: 2, block: 4 },
  { k: 3, block: 3 },
];
/** dtypes of x and of the norm's weight. */
const norms = [
  { normalize: false, dtype: 'f32', weightDType: undefined },
  { normalize: true, dtype: 'f32', weightDType: undefined },
  { normalize: true, dtype: 'f32', weightDType: 'f32' },
  { normalize: false, dtype: 'bf16', weightDType: undefined },
  { normalize: true, dtype: 'bf16', weightDType: undefined },
  { normalize: true, dtype: 'bf16', weightDType: 'bf16' },
  { normalize: true, dtype: 'bf16', weightDType: 'f32' },
] as const;
const combinations = selections.flatMap((selection) =>
  [false, true].flatMap((int8) =>
    norms.map(({ normalize, dtype, weightDType }, i) => ({
      attrs: { ...selection, int8, ste: i % 2 === 0, normalize, epsilon: 1e-5 } satisfies SparsifyAttrs,
      dtype,
      weightDType,
    })),
  ),
);

test.each(combinations)(
  'kernel equals composite: $dtype, $attrs, weight $weightDType',
  ({ attrs, dtype, weightDType }) => {
    const values = normal(2, 0, 48);
    // Ties, zeros of both signs, a row of zeros, a poisoned row.
    values.set([1, -1, 1, -1, 0, -0, 0.5, -0.5], 2);
    values.fill(0, 24, 36);
    values[40] = Number.NaN;
    const x = tensor(device, values, [2, 2, 12], dtype);
    const weight = weightDType && tensor(device, normal(2, 1, 12), [12], weightDType);
    const kernel = run(sparsifyOp, { x, weight }, attrs);
    const composite = sparsifyOp.composite!({ x, weight }, attrs);
    expect(Object.keys(composite).sort()).toEqual(Object.keys(kernel).sort());
    expect(unsigned(read(kernel.y))).toEqual(unsigned(read(composite.y)));
    if (attrs.normalize) expect(read(kernel.inverseRms)).toEqual(read(composite.inverseRms));
    expect(read(kernel.y).slice(36)).toEqual(Array(12).fill(Number.NaN));
  },
);

test('what stays equals the input, for every k and any ties', () => {
  const entry = fc.oneof(fc.constantFrom(0, -0, 1, -1), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 16 }), (row) => {
      const x = tensor(device, Float64Array.from(row), [row.length]);
      for (let k = 1; k <= row.length; k++) {
        const y = read(sparsify(x, { k }));
        const order = row.map((_, i) => i).sort((a, b) => Math.abs(row[b]!) - Math.abs(row[a]!) || a - b);
        const kept = new Set(order.slice(0, k));
        expect(unsigned(y)).toEqual(unsigned(row.map((value, i) => (kept.has(i) ? value : 0))));
      }
    }),
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  '%d poisons its row, whatever the options',
  (bad) => {
    const x = tensor(device, [1, 2, 3, 4, bad, 6, 7, 8, 9, 10, 11, 12], [3, 4]);
    for (const options of [
      { k: 1 },
      { k: 1, block: 2 },
      { int8: true },
      { k: 2, int8: true, normalize: true },
    ]) {
      const finite = read(sparsify(x, options)).map(Number.isFinite);
      expect(finite).toEqual([true, true, true, true, false, false, false, false, true, true, true, true]);
    }
  },
);

test('keeping all without int8 is x itself, or the plain norm', () => {
  const x = tensor(device, normal(3, 0, 12), [3, 4]);
  const weight = tensor(device, [1, 2, 3, 4], [4]);
  expect(sparsify(x)).toBe(x);
  expect(sparsify(x, { keep: 1 })).toBe(x);
  expect(sparsify(x, { k: 2, block: 2 })).toBe(x);
  expect(read(sparsify(x, { weight }))).toEqual(read(rmsNorm(x, weight)));
  expect(read(sparsify(x, { normalize: true, epsilon: 0.5 }))).toEqual(
    read(rmsNorm(x, undefined, { epsilon: 0.5 })),
  );
});

test('noGrad makes a result without a gradient', () => {
  const x = tensor(device, [1, 2], [2]);
  x.value = { dtype: 'f32' };
  expect(sparsify(x, { k: 1 }).value).toBe(x.value);
  expect(noGrad(() => sparsify(x, { k: 1 })).value).toBeUndefined();
});

test('in bf16 what is equal after rounding is a tie', () => {
  // The norm of ones is just below 1; times weights that bf16 cannot tell from 1, the larger ones last.
  const weight = tensor(device, [1, 1 + 2 ** -12, 1 + 2 ** -11, 1 + 2 ** -10], [4]);
  const kept = (dtype: 'f32' | 'bf16', ste: boolean) => {
    const y = read(sparsify(tensor(device, [1, 1, -1, 1], [4], dtype), { k: 2, weight, ste }));
    return y.map((value) => value !== 0);
  };
  expect(kept('bf16', true)).toEqual([true, true, false, false]);
  expect(kept('f32', true)).toEqual([false, false, true, true]);
  expect(read(sparsify(tensor(device, [1, 1, -1, 1], [4], 'bf16'), { k: 4, int8: true, weight }))).toEqual([
    1, 1, -1, 1,
  ]);
});

test('the masked gradient in bf16 is of the entries that were kept', () => {
  const arena = paramArena(device, [
    { name: 'x', shape: [1, 4] },
    { name: 'weight', shape: [4] },
  ]);
  const [x, weight] = [arena.params.get('x')!, arena.params.get('weight')!];
  device.write(x, Float64Array.of(1, 1, -1, 1));
  device.write(weight, Float64Array.of(1, 1 + 2 ** -12, 1 + 2 ** -11, 1 + 2 ** -10));
  scope(() => {
    const y = sparsify(cast(x, 'bf16'), { k: 2, weight, ste: false });
    const loss = matmul(cast(y, 'f32'), tensor(device, [1, 2, 3, 4], [4, 1]));
    backward(loss, arena.params.values());
  });
  // dWeight is dy · mask · x · inverseRms.
  const gradient = Array.from(device.values(weight.grad), Math.round);
  expect(unsigned(gradient)).toEqual([1, 2, 0, 0]);
});

test('types: bf16 stays bf16, inverseRms is f32 and there only with a norm', () => {
  const x = { dtype: 'bf16', shape: [2, 3, 4] } as const;
  expect(sparsifyOp.infer({ x }, full)).toEqual({ y: x });
  expect(sparsifyOp.infer({ x }, { ...full, normalize: true })).toEqual({
    y: x,
    inverseRms: { dtype: 'f32', shape: [6] },
  });
});

test('both gradient rules share name and kernel; the identity refuses what it would get wrong', () => {
  expect(sparsifyStraightThroughOp.name).toBe(sparsifyOp.name);
  const x = tensor(device, [1, 2, 3, 4], [4]);
  expect(read(run(sparsifyStraightThroughOp, { x }, { ...full, k: 1 }).y)).toEqual([0, 0, 0, 4]);
  expect(() => run(sparsifyStraightThroughOp, { x }, { ...full, ste: false })).toThrow(ValueError);
  expect(() => run(sparsifyStraightThroughOp, { x }, { ...full, normalize: true })).toThrow(ValueError);
});

const six = () => tensor(device, [1, 2, 3, 4, 5, 6], [6]);
test.each([
  [{ k: 0 }, ValueError, /^\[sparsify\] k must be a whole number from 1 to 6, the length of the row, got 0/],
  [{ k: 7 }, ValueError, /got 7/],
  [{ k: 4, block: 3 }, ValueError, /from 1 to 3, the length of the block, got 4/],
  [{ k: 1, block: 4 }, ShapeError, /block must divide the row of 6 entries, got 4/],
  [{ block: 4 }, ShapeError, /got 4/],
  [{ keep: 0.5, block: 4 }, ShapeError, /got 4/],
  [{ keep: 0 }, ValueError, /keep must be above 0 and at most 1, got 0/],
  [{ keep: 1.1 }, ValueError, /got 1.1/],
  [{ keep: Number.NaN }, ValueError, /got NaN/],
  [{ keep: 0.5, k: 3 }, ValueError, /takes k or keep, got both: 3 and 0.5/],
  [{ k: 2, normalize: true, epsilon: 0 }, ValueError, /epsilon must be finite and more than 0, got 0/],
  [{ normalize: true, epsilon: Number.NaN }, ValueError, /got NaN/],
  [{ k: 2, weight: six(), normalize: false }, ValueError, /weight belongs to the norm/],
  [{ k: 2, weight: tensor(device, [1, 2], [2]) }, ShapeError, /weight must have shape \[6\], got \[2\]/],
  [
    { k: 2, weight: tensor(device, [1, 2, 3, 4, 5, 6], [6], 'bf16') },
    DTypeError,
    /weight must be f32, got bf16/,
  ],
] as const)('refuses %o', (options, type, message) => {
  expect(() => sparsify(six(), options)).toThrow(type);
  expect(() => sparsify(six(), options)).toThrow(message);
});

test('refuses integers and scalars', () => {
  expect(() => sparsify(tensor(device, [1, 2], [2], 'i32'), { k: 1 })).toThrow(DTypeError);
  expect(() => sparsify(tensor(device, [1, 2], [2], 'i32'))).toThrow(DTypeError);
  expect(() => sparsify(tensor(device, [1], []), { k: 1 })).toThrow(ShapeError);
});

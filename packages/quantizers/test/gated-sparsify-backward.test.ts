/** The gradient of gated-sparsify against differences in float64, of what it is the gradient of: see each test. */
import {
  backward,
  DTypeError,
  gatedActivation,
  matmul,
  multiply,
  normal,
  paramArena,
  reshape,
  rmsNorm,
  run,
  ShapeError,
  scope,
  slice,
  type Tensor,
  type Type,
  tensor,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';
import {
  type GatedSparsifyOptions,
  gatedSparsify,
  gatedSparsifyBackwardOp,
  selectMask,
} from '@qsparse/quantizers';
import { describe, expect, test } from 'vitest';
import { checkGradients } from '../../core/test/gradient-check.ts';

const KINDS = ['squared-relu', 'silu', 'gelu'] as const;
type Kind = (typeof KINDS)[number];
const width = 6;
/** Away from the kink of the squared ReLU's slope, and with entries far apart, so that no difference moves the cut. */
const values = Float64Array.from(normal(7, 0, 3 * 2 * width), (value, i) =>
  Math.abs(value) < 0.05 ? value + 0.2 : value + (i % 7) / 16,
);
const inputs = { x: { shape: [3, 2 * width], values } };
const weighted = { ...inputs, weight: { shape: [width], values: normal(7, 1, width).map((w) => 1 + w / 4) } };

const gated = (x: Tensor, kind: Kind): Tensor =>
  gatedActivation(slice(x, -1, 0, width), slice(x, -1, width, width), kind);
const epsilon = 1e-2;

describe.each(KINDS)('%s', (kind) => {
  test('straight through: of the gated activation, whatever is kept and rounded', () => {
    const surrogate = ({ x }: { readonly x: Tensor }) => gated(x, kind);
    for (const options of [{}, { k: 2 }, { k: 1, block: 3 }, { k: 4, int8: true }]) {
      checkGradients(({ x }) => gatedSparsify(x, { kind, ...options }), inputs, { surrogate });
    }
  });

  test('straight through with a norm: of the norm of the gated activation', () => {
    for (const options of [{}, { k: 2 }, { k: 4, int8: true }]) {
      const all = { kind, epsilon, ...options };
      checkGradients(({ x }) => gatedSparsify(x, { ...all, normalize: true }), inputs, {
        surrogate: ({ x }) => rmsNorm(gated(x, kind), undefined, { epsilon }),
      });
      checkGradients(({ x, weight }) => gatedSparsify(x, { ...all, weight }), weighted, {
        surrogate: ({ x, weight }) => rmsNorm(gated(x, kind), weight, { epsilon }),
      });
    }
  });

  test('masked: the same times the mask of what was kept', () => {
    const masked = (h: Tensor, device: ReferenceDevice, k: number, block: number) =>
      multiply(h, tensor(device, selectMask(device.values(h), width, { k, block }), h.shape));
    for (const [k, block] of [
      [2, 0],
      [1, 3],
      [width, 0],
    ] as const) {
      const options: GatedSparsifyOptions = { kind, k, block, ste: false, epsilon };
      checkGradients(({ x }) => gatedSparsify(x, options), inputs, {
        surrogate: ({ x }, device) => masked(gated(x, kind), device, k, block),
      });
      checkGradients(({ x, weight }) => gatedSparsify(x, { ...options, weight, int8: true }), weighted, {
        surrogate: ({ x, weight }, device) =>
          masked(rmsNorm(gated(x, kind), weight, { epsilon }), device, k, block),
      });
    }
  });
});

test.each(KINDS)('%s: kernel equals composite, with and without what is optional', (kind) => {
  const device = referenceDevice();
  const read = (x: Tensor) => Array.from(device.values(x));
  for (const [dtype, weightDType, intoDType] of [
    ['f32', undefined, undefined],
    ['f32', 'f32', undefined],
    ['f32', 'f32', 'f32'],
    ['bf16', 'f32', 'f32'],
    ['bf16', 'bf16', 'f32'],
    ['bf16', 'bf16', undefined],
  ] as const) {
    for (const normed of weightDType ? [true] : [false, true]) {
      const make = (seed: number, shape: readonly number[], as: Type['dtype'] = dtype) =>
        tensor(
          device,
          normal(
            seed,
            0,
            shape.reduce((a, b) => a * b, 1),
          ),
          shape,
          as,
        );
      const ins = () => ({
        dy: make(1, [2, 2, width]),
        x: make(2, [2, 2, 2 * width]),
        inverseRms: normed ? tensor(device, [1, 0.5, 2, 1.25], [4]) : undefined,
        weight: weightDType && make(3, [width], weightDType),
        intoWeight: intoDType && make(4, [width], intoDType),
      });
      const kernel = run(gatedSparsifyBackwardOp, ins(), { kind });
      const composite = gatedSparsifyBackwardOp.composite(ins(), { kind });
      expect(Object.keys(kernel).sort()).toEqual(Object.keys(composite).sort());
      for (const [name, out] of Object.entries(kernel)) {
        const other = (composite as Record<string, Tensor>)[name]!;
        expect(other.dtype).toBe(out.dtype);
        // The composite rounds dh to bf16 on the way.
        const tolerance = dtype === 'bf16' ? 2 ** -6 : 1e-12;
        const expected = read(other);
        read(out).forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance * (1 + Math.abs(value)));
        });
      }
    }
  }
});

test('without a kernel the composite still adds into the gradient of the weight in place', () => {
  const gradients = (without: boolean) => {
    const plain = referenceDevice();
    const device: ReferenceDevice = without
      ? { ...plain, kernel: (op) => (op.name.startsWith('gated-sparsify') ? undefined : plain.kernel(op)) }
      : plain;
    const arena = paramArena(device, [
      { name: 'x', shape: [2, 2 * width] },
      { name: 'weight', shape: [width] },
    ]);
    const [x, weight] = [arena.params.get('x')!, arena.params.get('weight')!];
    plain.write(x, values.subarray(0, 4 * width));
    plain.write(weight, weighted.weight.values);
    plain.write(arena.grads, new Float64Array(arena.grads.size).fill(0.5));
    scope(() => {
      const y = gatedSparsify(x, { kind: 'silu', weight, k: 3 });
      const loss = matmul(reshape(y, [1, y.size]), tensor(device, normal(9, 0, y.size), [y.size, 1]));
      backward(loss, arena.params.values());
    });
    return [...plain.values(x.grad), ...plain.values(weight.grad)];
  };
  const [kernel, composite] = [gradients(false), gradients(true)];
  kernel.forEach((value, i) => {
    expect(composite[i]).toBeCloseTo(value, 12);
  });
});

test('the reverse sweep is one launch; the masked one makes h again', () => {
  const launches = (options: Partial<GatedSparsifyOptions>) => {
    const device = nullDevice();
    const arena = paramArena(device, [
      { name: 'x', shape: [2, 2 * width] },
      { name: 'weight', shape: [width] },
    ]);
    const [x, weight] = [arena.params.get('x')!, arena.params.get('weight')!];
    scope(() => {
      const y = gatedSparsify(x, { kind: 'silu', k: 3, weight, ...options });
      const loss = matmul(reshape(y, [1, y.size]), tensor(device, normal(9, 0, y.size), [y.size, 1]));
      device.resetCounts();
      backward(loss, arena.params.values());
    });
    const { fill: _, matmul: __, accumulate: ___, ...own } = device.counts().launches;
    return own;
  };
  expect(launches({})).toEqual({ 'gated-sparsify-backward': 1 });
  expect(launches({ ste: false })).toEqual({
    ...{ slice: 2, 'gated-activation': 1, 'rms-norm': 1, select: 1, binary: 1 },
    'gated-sparsify-backward': 1,
  });
  expect(launches({ ste: false, k: width, weight: undefined })).toEqual({ 'gated-sparsify-backward': 1 });
});

const type = (dtype: Type['dtype'], ...shape: number[]): Type => ({ dtype, shape });
const given = {
  dy: type('bf16', 2, 4),
  x: type('bf16', 2, 8),
  weight: type('f32', 4),
  inverseRms: type('f32', 2),
};

test('types: dx as x, dWeight as intoWeight or weight', () => {
  const kind = 'silu';
  const infer = (ins: typeof given & { intoWeight?: Type }) => gatedSparsifyBackwardOp.infer(ins, { kind });
  expect(infer(given)).toEqual({ dx: given.x, dWeight: given.weight });
  expect(infer({ ...given, weight: type('bf16', 4), intoWeight: type('f32', 4) })).toEqual({
    dx: given.x,
    dWeight: type('f32', 4),
  });
  expect(gatedSparsifyBackwardOp.infer({ dy: given.dy, x: given.x }, { kind })).toEqual({ dx: given.x });
});

test.each([
  [{ x: type('f32', 2, 8) }, DTypeError, /one dtype/],
  [{ x: type('bf16', 2, 7) }, ShapeError, /rows of 2f entries, gate then up, got \[2, 7\]/],
  [{ dy: type('bf16', 2, 8) }, ShapeError, /dy must have shape \[2, 4\], got \[2, 8\]/],
  [{ inverseRms: undefined }, ShapeError, /weight needs inverseRms, which is absent/],
  [{ inverseRms: type('bf16', 2) }, DTypeError, /inverseRms must be f32, got bf16/],
  [{ inverseRms: type('f32', 3) }, ShapeError, /inverseRms must have shape \[2\], got \[3\]/],
  [{ weight: type('f32', 5) }, ShapeError, /weight must have shape \[4\], got \[5\]/],
  [{ weight: type('i32', 4) }, DTypeError, /weight must be f32 or bf16, got i32/],
  [{ weight: undefined, intoWeight: type('f32', 4) }, ShapeError, /intoWeight needs weight/],
  [{ intoWeight: type('bf16', 4) }, DTypeError, /intoWeight must be f32, got bf16/],
  [{ intoWeight: type('f32', 5) }, ShapeError, /intoWeight must have shape \[4\], got \[5\]/],
] as const)('refuses %o', (change, error, message) => {
  const call = () => gatedSparsifyBackwardOp.infer({ ...given, ...change } as typeof given, { kind: 'silu' });
  expect(call).toThrow(error);
  expect(call).toThrow(message);
});

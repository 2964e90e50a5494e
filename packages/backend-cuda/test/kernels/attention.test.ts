/**
 * Attention and its gradient at sizes that the conformance suite does not reach: several blocks of queries and of keys, so
 * that blocks add to one dq in turn, every head size of the tensor-core kernels, groups, windows, and rows of the general
 * kernels that are longer than a block's columns.
 */
import {
  attentionBackwardOp,
  attentionOp,
  fromBf16Bits,
  noGrad,
  normal,
  run,
  type Shape,
  scope,
  sizeOf,
  tensor,
  toBf16Bits,
} from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { emulatedDevice, missing } from '../emulated-device.ts';
import { openControl } from '../matmul/emulated-gemm.ts';
import {
  expectLikeReference,
  expectSameInAnyOrder,
  type Float,
  normals,
  wholes,
} from './against-reference.ts';

type Values = Readonly<Record<string, Float64Array>>;

interface Case {
  /** B, T, S, H, G, D */
  readonly sizes: readonly [number, number, number, number, number, number];
  readonly dtype?: Float;
  readonly window?: number;
  /** One, or one for each row of the batch. */
  readonly position?: number | readonly number[];
  /** The first key of query t of row b. */
  readonly first?: (t: number, b: number) => number;
  readonly scale?: number;
  /** Leaves out the gradient. */
  readonly forward?: true;
}

/** bf16 rounds at 2^-9; float32 sums of 64 to 300 terms lose some 1e-7. */
const ROOT_MEAN_SQUARE: Readonly<Record<Float, number>> = { f32: 1e-6, bf16: 5e-3 };
const LARGEST: Readonly<Record<Float, number>> = { f32: 4e-6, bf16: 2e-2 };

const rounded = (values: ArrayLike<number>): Float64Array =>
  Float64Array.from(values, (x) => fromBf16Bits(toBf16Bits(x)));

/** How far the elements are from the wanted ones, as shares of what is allowed; above 1 is wrong. */
function errorOf(got: ArrayLike<number>, want: Float64Array, dtype: Float): number {
  let [squares, wanted, largest, most] = [0, 0, 0, 0];
  for (let i = 0; i < want.length; i++) {
    if (got[i] === want[i]) continue;
    const error = Math.abs(got[i]! - want[i]!);
    if (!(error < Number.POSITIVE_INFINITY)) return Number.NaN;
    squares += error ** 2;
    most = Math.max(most, error);
  }
  for (const x of want) {
    if (!Number.isFinite(x)) continue;
    wanted += x ** 2;
    largest = Math.max(largest, Math.abs(x));
  }
  const mean = Math.sqrt(squares / (wanted || 1)) / ROOT_MEAN_SQUARE[dtype];
  return Math.max(mean, most / ((largest || 1) * LARGEST[dtype]));
}

/** By the name of the output. */
async function errors(device: CudaDevice, one: Case): Promise<Readonly<Record<string, number>>> {
  const { dtype = 'bf16', window = 0 } = one;
  const [batch, queries, keys, heads, groups, width] = one.sizes;
  const attrs = { scale: one.scale ?? 1 / Math.sqrt(width), window };
  const [q, k]: Shape[] = [
    [batch, queries, heads, width],
    [batch, keys, groups, width],
  ];
  const shapes: Readonly<Record<string, Shape>> = {
    q: q!,
    k: k!,
    v: k!,
    dy: q!,
    y: q!,
    logSumExp: q!.slice(0, 3),
  };
  const types = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { dtype, shape }]));
  const empty = (...names: string[]): Values =>
    Object.fromEntries(
      names.map((name) => [name, new Float64Array(sizeOf(shapes[name.replace(/^d(?=[qkv])/, '')]!))]),
    );
  const round = (values: ArrayLike<number>) =>
    dtype === 'bf16' ? rounded(values) : Float64Array.from(values);
  const positions = one.position === undefined ? undefined : Int32Array.of(...[one.position].flat());
  const { first: firstOf } = one;
  const firsts =
    firstOf &&
    Int32Array.from({ length: batch * queries }, (_, i) => firstOf(i % queries, Math.floor(i / queries)));
  const at = { ...(positions && { position: positions }), ...(firsts && { first: firsts }) };
  const ins: Record<string, Float64Array> = Object.fromEntries(
    ['q', 'k', 'v', 'dy'].map((name, i) => [name, round(normal(i + 7, 1, sizeOf(shapes[name]!)))]),
  );
  const forward = empty('y', 'logSumExp');
  attentionOp.reference({ ...ins, ...at } as never, forward as never, attrs, types as never);
  Object.assign(ins, {
    y: round(forward.y!),
    logSumExp: Float64Array.from(Float32Array.from(forward.logSumExp!)),
  });
  const backward = one.forward ? {} : empty('dq', 'dk', 'dv');
  if (!one.forward)
    attentionBackwardOp.reference({ ...ins, ...at } as never, backward as never, attrs, types as never);

  const read = scope(() =>
    noGrad(() => {
      const on = (name: string, as: Float = dtype) =>
        tensor(device, Float32Array.from(ins[name]!), shapes[name]!, as);
      const where = {
        ...(positions && { position: tensor(device, positions, [positions.length], 'i32') }),
        ...(firsts && { first: tensor(device, firsts, [batch, queries], 'i32') }),
      };
      const shared = { q: on('q'), k: on('k'), v: on('v'), ...where };
      const saved = { dy: on('dy'), y: on('y'), logSumExp: on('logSumExp', 'f32') };
      const outs = {
        ...run(attentionOp, shared, attrs),
        ...(!one.forward && run(attentionBackwardOp, { ...shared, ...saved }, attrs)),
      };
      return Object.entries(outs).map(([name, out]) => [name, out.data()] as const);
    }),
  );
  const wanted = { ...forward, ...backward } as Values;
  const results: Record<string, number> = {};
  for (const [name, data] of read)
    results[name] = errorOf((await data) as never, wanted[name]!, name === 'logSumExp' ? 'f32' : dtype);
  return results;
}

const nameOf = ({
  sizes: [b, t, s, h, g, d],
  dtype = 'bf16',
  window = 0,
  position,
  first,
  scale,
}: Case): string =>
  `${dtype} B ${b} T ${t} S ${s} H ${h} G ${g} D ${d}${window ? ` window ${window}` : ''}` +
  `${position === undefined ? '' : ` from ${position}`}${first ? ` first ${first.name}` : ''}${scale === undefined ? '' : ` scale ${scale}`}`;

const LENGTHS: readonly Case[] = [1, 63, 64, 65, 130, 257].map((t) => ({ sizes: [1, t, t, 1, 1, 64] }));
const WIDTHS: readonly Case[] = [32, 96, 128].flatMap((d): Case[] => [
  { sizes: [1, 131, 131, 2, 1, d] },
  { sizes: [1, 70, 201, 1, 1, d], window: 90 },
]);
const GROUPS: readonly Case[] = [
  { sizes: [2, 150, 150, 4, 2, 32] },
  { sizes: [1, 67, 67, 4, 1, 64], window: 20 },
  { sizes: [3, 40, 140, 2, 2, 64] },
];
const WINDOWS: readonly Case[] = [
  { sizes: [1, 200, 200, 1, 1, 64], window: 1 },
  { sizes: [1, 280, 280, 1, 1, 32], window: 64 },
  { sizes: [1, 20, 300, 1, 1, 32], window: 5 },
  { sizes: [1, 9, 260, 2, 1, 64], position: 200, window: 150 },
  { sizes: [1, 130, 260, 1, 1, 64], position: -3 },
];
const FEW: readonly Case[] = [
  { sizes: [2, 1, 300, 8, 2, 64], position: 250 },
  { sizes: [1, 1, 700, 1, 1, 128], position: 600, window: 400 },
  { sizes: [2, 1, 2100, 8, 2, 64], position: [2090, 130], forward: true },
  { sizes: [1, 2, 300, 6, 2, 128], position: 250, window: 90, forward: true },
  { sizes: [1, 2, 140, 4, 1, 20], position: 100, dtype: 'f32' },
  { sizes: [1, 1, 200, 2, 2, 7], dtype: 'f32' },
  { sizes: [1, 3, 140, 2, 1, 36], position: -2, dtype: 'f32' },
  { sizes: [8, 1, 620, 8, 8, 8], position: 500, forward: true },
];
/** Where documents of 100 and of 9 tokens begin. */
const documents = (t: number) => t - (t % 100);
const short = (t: number, b: number) => Math.max(0, t - ((t + b) % 9));
const FIRST: readonly Case[] = [
  { sizes: [1, 270, 270, 2, 1, 64], first: documents },
  { sizes: [2, 140, 140, 2, 1, 32], first: short },
  { sizes: [1, 140, 140, 1, 1, 96], first: (t) => (t < 130 ? 0 : 130), window: 70 },
  { sizes: [1, 140, 140, 1, 1, 128], first: documents },
  // Out of order, before the first key, and beyond the own one: rows and whole tiles that see nothing.
  { sizes: [1, 200, 200, 2, 2, 32], first: (t) => [0, -5, 150, 40][t % 4]! },
  { sizes: [1, 200, 260, 1, 1, 64], first: (t) => (t < 80 ? 255 : t) },
  { sizes: [2, 70, 200, 2, 1, 32], position: [130, 20], first: (t, b) => 10 * b + t },
  { sizes: [1, 130, 130, 2, 1, 20], first: documents, dtype: 'f32' },
  { sizes: [3, 1, 300, 4, 2, 64], position: [250, 3, 299], first: (_, b) => [100, 3, 0][b]! },
];
const GENERAL: readonly Case[] = [
  { sizes: [1, 130, 130, 2, 1, 64], dtype: 'f32' },
  { sizes: [1, 65, 140, 2, 2, 40], dtype: 'f32', window: 70 },
  { sizes: [1, 66, 66, 1, 1, 130], dtype: 'f32' },
  { sizes: [1, 20, 20, 2, 1, 300], dtype: 'f32' },
  { sizes: [1, 67, 67, 2, 1, 65] },
  { sizes: [1, 30, 30, 1, 1, 64], scale: -0.2 },
  { sizes: [1, 30, 30, 1, 1, 64], scale: 0 },
];

const OF_OTHER_DEVICES: Readonly<Record<number, readonly Case[]>> = {
  // 99 KiB of shared memory: smaller tiles for the gradients of large heads.
  89: [96, 128].map((d) => ({ sizes: [1, 150, 150, 2, 1, d], window: 100 })),
  // No tensor cores.
  75: [{ sizes: [1, 70, 70, 2, 1, 64] }],
};

async function expectRight(device: CudaDevice, one: Case): Promise<void> {
  for (const [name, error] of Object.entries(await errors(device, one))) {
    expect(error, name).toBeLessThanOrEqual(1);
  }
}

describe.skipIf(missing)('attention', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await emulatedDevice();
  });
  afterAll(() => device.dispose());

  for (const [what, cases] of Object.entries({ LENGTHS, WIDTHS, GROUPS, WINDOWS, FEW, FIRST, GENERAL })) {
    describe(what, () => {
      test.each(cases.map((one) => [nameOf(one), one] as const))('%s', (_name, one) =>
        expectRight(device, one),
      );
    });
  }

  test.each([
    ['', {}],
    [' of documents', { first: wholes([1, 270], documents) }],
  ])('a gradient%s has the same bits whichever block begins first', async (_, where) => {
    const shape = [1, 270, 2, 32];
    const ins = Object.fromEntries(
      ['dy', 'q', 'k', 'v', 'y'].map((name, seed) => [name, normals(seed, shape, 'bf16')]),
    );
    await expectSameInAnyOrder(device, {
      op: attentionBackwardOp,
      ins: { ...ins, ...where, logSumExp: normals(6, shape.slice(0, 3), 'f32', { shift: 6 }) },
      attrs: { scale: 0.2, window: 0 },
    });
  });

  test.each([12, 1])('views that start between 16-byte vectors, %i queries', async (queries) => {
    const ins = {
      q: normals(1, [1, queries, 2, 64], 'bf16'),
      k: normals(2, [1, 70, 2, 64], 'bf16'),
      v: normals(3, [1, 70, 2, 64], 'bf16'),
    };
    await expectLikeReference(device, { op: attentionOp, ins, attrs: { scale: 0.125, window: 0 }, shift: 1 });
  });
});

describe.skipIf(missing).each(Object.entries(OF_OTHER_DEVICES))(
  'attention on compute capability %s',
  (capability, cases) => {
    let device: CudaDevice;
    beforeAll(async () => {
      const control = openControl();
      control.set('CAPABILITY', capability);
      try {
        device = await emulatedDevice();
      } finally {
        control.set('CAPABILITY', '90');
      }
    });
    afterAll(() => device.dispose());

    test.each(cases.map((one) => [nameOf(one), one] as const))('%s', async (_name, one) => {
      expect(device.computeCapability).toBe(Number(capability));
      await expectRight(device, one);
    });
  },
);

// Kernels of the elementwise, shape and random ops on shapes larger than the conformance cases: near their float64
// references, and the same bits on 1, 2 and 3 threads. Sizes are odd, so that shares and chunks end everywhere.

import type { CpuDevice } from '@qsparse/backend-cpu';
import * as core from '@qsparse/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  devicesByThreads,
  expectLikeReference,
  floats,
  integers,
  type KernelCase,
  normals,
  outputsOn,
  referenceOutputs,
} from './op-fixture.ts';

const COUNT = 70_003;
const flat = normals(1, [COUNT], 3);
const [rows, wide] = [normals(2, [1777, 37]), normals(3, [5, 20_003])];
const state = integers([4], [11, 22, 33, -3]);
const UNARY: readonly core.UnaryKind[] = [
  ...(['negate', 'exp', 'log', 'sqrt', 'square', 'reciprocal', 'absolute'] as const),
  ...(['relu', 'squared-relu', 'silu', 'gelu'] as const),
];
const exact = { tolerance: 0 };

function cases(): Record<string, KernelCase> {
  const positive = floats([COUNT], Array.from(flat.elements, Math.abs));
  const pointsOf = (kind: core.UnaryKind) => (kind === 'log' || kind === 'sqrt' ? positive : flat);
  const unary = UNARY.flatMap((kind): [string, KernelCase][] => {
    const x = pointsOf(kind);
    return [
      [kind, { op: core.unaryOp, ins: { x }, attrs: { kind } }],
      [
        `${kind} backward`,
        { op: core.unaryBackwardOp, ins: { x, dy: normals(4, [COUNT]) }, attrs: { kind } },
      ],
    ];
  });
  const binary = (['add', 'subtract', 'multiply', 'divide'] as const).flatMap(
    (kind): [string, KernelCase][] =>
      [normals(5, [1777, 37]), normals(6, [37]), normals(7, [])].map((b) => [
        `${kind} [${b.shape}]`,
        { op: core.binaryOp, ins: { a: rows, b }, attrs: { kind } },
      ]),
  );
  const reduce = (['sum', 'mean', 'max'] as const).flatMap((kind) =>
    (['last', 'leading', 'all'] as const).flatMap((over): [string, KernelCase][] =>
      [rows, wide, normals(8, [20_011, 3]), normals(9, [3, 5001])].map((x) => [
        `${kind} over ${over} [${x.shape}]`,
        // Shifted, so that a sum is not a small difference.
        {
          op: core.reduceOp,
          ins: {
            x: floats(
              x.shape,
              Array.from(x.elements, (e) => e + 1),
            ),
          },
          attrs: { kind, over },
        },
      ]),
    ),
  );
  const cast = (['bf16', 'i32'] as const).map((dtype): [string, KernelCase] => [
    `cast to ${dtype}`,
    { op: core.castOp, ins: { x: flat }, attrs: { dtype }, ...exact },
  ]);
  const permute = [
    [1, 0, 2, 3],
    [0, 2, 1, 3],
    [0, 1, 3, 2],
    [3, 2, 1, 0],
    [2, 3, 0, 1],
  ].map((order): [string, KernelCase] => [
    `permute ${order}`,
    { op: core.permuteOp, ins: { x: normals(1, [9, 31, 7, 35]) }, attrs: { order }, ...exact },
  ]);
  const softmax = [
    { causal: false, window: 0 },
    { causal: true, window: 0 },
    { causal: true, window: 50 },
  ].map((attrs): [string, KernelCase] => [
    `softmax ${attrs.causal ? 'causal' : ''} ${attrs.window}`,
    { op: core.softmaxOp, ins: { x: normals(1, [3, 130, 171], 3) }, attrs },
  ]);
  const section = { axis: 1, start: 5, length: 29 };
  return {
    ...Object.fromEntries([...unary, ...binary, ...reduce, ...cast, ...permute, ...softmax]),
    'softmax of long rows': { op: core.softmaxOp, ins: { x: wide }, attrs: { causal: false, window: 0 } },
    'softmax-backward': {
      op: core.softmaxBackwardOp,
      ins: { y: normals(1, [701, 99]), dy: normals(2, [701, 99]) },
      attrs: null,
    },
    scale: { op: core.scaleOp, ins: { x: flat }, attrs: { factor: -0.3 } },
    'broadcast leading': {
      op: core.broadcastOp,
      ins: { x: normals(1, [37]) },
      attrs: { shape: [1777, 37], along: 'leading' },
      ...exact,
    },
    'broadcast last': {
      op: core.broadcastOp,
      ins: { x: normals(1, [1777]) },
      attrs: { shape: [1777, 37], along: 'last' },
      ...exact,
    },
    slice: { op: core.sliceOp, ins: { x: rows }, attrs: section, ...exact },
    'slice of long rows': {
      op: core.sliceOp,
      ins: { x: wide },
      attrs: { axis: 1, start: 1, length: 20_001 },
      ...exact,
    },
    'copy-section': {
      op: core.copySectionOp,
      ins: { into: rows, x: normals(4, [1777, 29]) },
      attrs: section,
      ...exact,
    },
    argmax: { op: core.argmaxOp, ins: { x: normals(1, [701, 99]) }, attrs: null, ...exact },
    random: {
      op: core.randomOp,
      ins: { into: flat, state },
      attrs: { distribution: 'uniform', scale: 1 },
      ...exact,
    },
    sample: {
      op: core.sampleOp,
      ins: { logits: normals(1, [19, 2003], 2), random: state },
      attrs: { temperature: 0.9, topK: 0, topP: 0.95 },
      ...exact,
    },
  };
}

const table = cases();
let devices: readonly CpuDevice[];
beforeAll(async () => {
  devices = await devicesByThreads();
});
afterAll(() => {
  for (const device of devices) device.dispose();
});

test.each(Object.keys(table))('%s', async (name) => {
  await expectLikeReference(devices, table[name]!);
});

test('a sum of a million equal terms is not a drifting one', async () => {
  const x = floats([1_000_003], new Float64Array(1_000_003).fill(0.1));
  for (const over of ['all', 'last', 'leading'] as const) {
    const shaped = over === 'leading' ? { ...x, shape: [1_000_003, 1] } : x;
    const { y } = await outputsOn(devices[1]!, core.reduceOp, { x: shaped }, { kind: 'sum', over });
    expect(y![0]! / (Math.fround(0.1) * 1_000_003)).toBeCloseTo(1, 6);
  }
});

test('sampling from a vocabulary of 128,000 picks the tokens of the reference', async () => {
  const logits = normals(3, [2, 128_000], 3);
  for (const attrs of [
    { temperature: 1, topK: 0, topP: 1 },
    { temperature: 1.3, topK: 0, topP: 0.9 },
    { temperature: 0.8, topK: 50, topP: 0.95 },
    { temperature: 1, topK: 127_999, topP: 1 },
  ]) {
    const ins = { logits, random: state };
    const { y } = await outputsOn(devices[2]!, core.sampleOp, ins, attrs);
    expect(Array.from(y!)).toEqual(Array.from(referenceOutputs(core.sampleOp, ins, attrs).y!));
  }
});

test('more rows than the workspace of sample has room for at a time', async () => {
  const ins = { logits: normals(3, [50, 33], 3), random: state };
  const attrs = { temperature: 1, topK: 5, topP: 0.9 };
  const expected = Array.from(referenceOutputs(core.sampleOp, ins, attrs).y!);
  for (const device of devices) {
    expect(Array.from((await outputsOn(device, core.sampleOp, ins, attrs)).y!)).toEqual(expected);
  }
});

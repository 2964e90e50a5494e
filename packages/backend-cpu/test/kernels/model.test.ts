// Kernels of the model ops, the optimizer and the quantizers: near their float64 references on shapes larger than the
// conformance cases, and the same bits on 1, 2 and 3 threads.

import type { CpuDevice } from '@qsparse/backend-cpu';
import * as core from '@qsparse/core';
import * as quantizers from '@qsparse/quantizers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  devicesByThreads,
  expectLikeReference,
  firstDifference,
  floats,
  integers,
  type KernelCase,
  normals,
  outputsOn,
  referenceOutputs,
} from './op-fixture.ts';

const ids = (count: number, below: number) =>
  integers(
    [count],
    Array.from({ length: count }, (_, i) => core.randomWord(7, 1, i) % below),
  );
const uniforms = (seed: number, shape: core.Shape) =>
  floats(shape, core.uniform(seed, 1, core.sizeOf(shape)));
const spun = [301, 5, 18] as const;
const SPARSE = { k: 100, block: 0, int8: true, ste: true, normalize: true, epsilon: 1e-6 };

function cases(): Record<string, KernelCase> {
  const wide = normals(1, [701, 130]);
  const [weight, rows] = [normals(2, [130]), uniforms(3, [701])];
  const heads = {
    q: normals(1, [3, 90, 4, 20]),
    k: normals(2, [3, 90, 2, 20]),
    v: normals(3, [3, 90, 2, 20]),
  };
  const attention = { scale: 0.2, window: 0 };
  const { y, logSumExp } = referenceOutputs(core.attentionOp, heads, attention);
  const attended = { y: floats([3, 90, 4, 20], y!), logSumExp: floats([3, 90, 4], logSumExp!) };
  const logits = normals(4, [301, 1003], 3);
  const targets = integers(
    [301],
    Array.from({ length: 301 }, (_, i) => (i % 7 ? core.randomWord(7, 2, i) % 1003 : -1)),
  );
  const loss = referenceOutputs(core.crossEntropyOp, { logits, targets }, null);
  const arena = {
    value: normals(1, [50_001]),
    grad: normals(2, [50_001]),
    m: normals(3, [50_001], 0.1),
    v: uniforms(4, [50_001]),
  };
  const hyper = floats(
    [8],
    core.adamwHyper({ learningRate: 0.01, weightDecay: 0.1, beta1: 0.9, beta2: 0.95, step: 3, clipNorm: 1 }),
  );
  const gates = { gate: normals(1, [301, 111], 3), up: normals(2, [301, 111]), dy: normals(3, [301, 111]) };
  const table = floats(
    [400, 9, 2],
    Array.from({ length: 7200 }, (_, i) => (i % 2 ? Math.sin(i - 1) : Math.cos(i))),
  );
  return {
    accumulate: { op: core.accumulateOp, ins: { into: wide, x: normals(5, [701, 130]) }, attrs: null },
    copy: { op: core.copyOp, ins: { into: wide, x: normals(5, [701, 130]) }, attrs: null, tolerance: 1e-30 },
    embedding: {
      op: core.embeddingOp,
      ins: { table: wide, ids: ids(999, 701) },
      attrs: null,
      tolerance: 1e-30,
    },
    'embedding backward, hot rows': {
      op: core.embeddingBackwardOp,
      ins: { dy: normals(6, [999, 130]), ids: ids(999, 11), into: wide },
      attrs: null,
    },
    'rms-norm': { op: core.rmsNormOp, ins: { x: wide, weight }, attrs: { epsilon: 1e-6 } },
    'rms-norm of long rows': {
      op: core.rmsNormOp,
      ins: { x: normals(7, [5, 20_003]) },
      attrs: { epsilon: 1e-6 },
    },
    'rms-norm-backward': {
      op: core.rmsNormBackwardOp,
      ins: { dy: normals(6, [701, 130]), x: wide, weight, inverseRms: rows, intoX: wide, intoWeight: weight },
      attrs: null,
    },
    'rope half-split': {
      op: core.ropeOp,
      ins: { x: normals(8, spun), table },
      attrs: { interleaved: false, inverse: false },
    },
    'rope neighbours': {
      op: core.ropeOp,
      ins: { x: normals(8, spun), table, position: integers([1], [99]) },
      attrs: { interleaved: true, inverse: true },
    },
    'rotary heads': {
      op: core.rotaryHeadsOp,
      ins: { x: normals(8, [3, 101, 7 * 18]), table },
      attrs: { heads: 3, keyValueHeads: 2 },
    },
    'rotary heads backward': {
      op: core.rotaryHeadsBackwardOp,
      ins: {
        dQuery: normals(8, [3, 101, 3, 18]),
        dKey: normals(9, [3, 101, 2, 18]),
        dValue: normals(10, [3, 101, 2, 18]),
        ...{ table, position: integers([1], [299]) },
      },
      attrs: null,
    },
    'matmul with add': {
      op: core.matmulOp,
      ins: { a: normals(11, [3, 67, 90]), b: normals(12, [301, 90]), add: normals(13, [3, 67, 301]) },
      attrs: { transposeA: false, transposeB: true },
    },
    attention: { op: core.attentionOp, ins: heads, attrs: attention },
    'attention of few rows': {
      op: core.attentionOp,
      ins: { q: normals(1, [1, 2, 6, 20]), k: normals(2, [1, 700, 2, 20]), v: normals(3, [1, 700, 2, 20]) },
      attrs: attention,
    },
    'attention-backward': {
      op: core.attentionBackwardOp,
      ins: { ...heads, ...attended, dy: normals(4, [3, 90, 4, 20]) },
      attrs: attention,
      tolerance: 2e-6,
    },
    'cross-entropy': { op: core.crossEntropyOp, ins: { logits, targets }, attrs: null },
    'cross-entropy-backward': {
      op: core.crossEntropyBackwardOp,
      ins: {
        ...{ logits, targets, d: floats([], [0.5]), count: floats([], loss.count!) },
        logSumExp: floats([301], loss.logSumExp!),
      },
      attrs: null,
      tolerance: 3e-6,
    },
    ...Object.fromEntries(
      (['squared-relu', 'silu', 'gelu'] as const).flatMap((kind) => [
        [
          `${kind} gate`,
          { op: core.gatedActivationOp, ins: { gate: gates.gate, up: gates.up }, attrs: { kind } },
        ],
        [`${kind} gate backward`, { op: core.gatedActivationBackwardOp, ins: gates, attrs: { kind } }],
      ]),
    ),
    'global-norm': { op: core.globalNormOp, ins: { x: normals(9, [300_007], 1e20) }, attrs: null },
    adamw: {
      op: core.adamwOp,
      ins: { ...arena, norm: floats([], [223]), hyper },
      attrs: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: true },
    },
    'kv-append': {
      op: core.kvAppendOp,
      ins: {
        cache: normals(1, [3, 99, 2, 21]),
        x: normals(2, [3, 60, 2, 21]),
        position: integers([1], [70]),
      },
      attrs: null,
      tolerance: 1e-30,
    },
    select: { op: quantizers.selectOp, ins: { x: wide }, attrs: { k: 50, block: 0 }, tolerance: 1e-30 },
    // A rounding near a tie may fall to the other side in float32: one level of 127 at most.
    'quantize-int8': { op: quantizers.quantizeInt8Op, ins: { x: wide }, attrs: null, tolerance: 1e-3 },
    sparsify: { op: quantizers.sparsifyOp, ins: { x: wide, weight }, attrs: SPARSE, tolerance: 1e-3 },
    ...gatedSparsifyCases(),
    ternarize: {
      op: quantizers.ternarizeOp,
      ins: { w: normals(10, [301, 777]) },
      attrs: { sections: [], dtype: 'f32' },
    },
    'ternarize in sections': {
      op: quantizers.ternarizeOp,
      ins: { w: normals(10, [301, 777]) },
      attrs: { sections: [200, 100, 1], dtype: 'f32' },
    },
  };
}

function gatedSparsifyCases(): Record<string, KernelCase> {
  const ins = { x: normals(11, [301, 260], 2), weight: uniforms(12, [130]) };
  const made = (['squared-relu', 'silu', 'gelu'] as const).flatMap((kind) => {
    const attrs = { ...SPARSE, kind };
    const inverseRms = floats([301], referenceOutputs(quantizers.gatedSparsifyOp, ins, attrs).inverseRms!);
    const into = { ...ins, inverseRms, dy: normals(13, [301, 130]), intoWeight: normals(14, [130]) };
    const op = quantizers.gatedSparsifyBackwardOp;
    return [
      // As for sparsify: a level or an entry at the cut.
      [`gated-sparsify ${kind}`, { op: quantizers.gatedSparsifyOp, ins, attrs, tolerance: 1e-3 }],
      [`gated-sparsify-backward ${kind}`, { op, ins: into, attrs: { kind } }],
    ] as const;
  });
  return Object.fromEntries(made);
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

test('an update with a norm that is not finite changes nothing', async () => {
  const { op, ins, attrs } = table.adamw!;
  for (const norm of [Number.NaN, Infinity]) {
    const got = await outputsOn(devices[1]!, op, { ...ins, norm: floats([], [norm]) }, attrs);
    const before = { value: ins.value!, m: ins.m!, v: ins.v! };
    const kept = Object.entries(before).map(
      ([name, { elements }]) => [name, Float32Array.from(elements)] as const,
    );
    expect(firstDifference(got, Object.fromEntries(kept))).toBeUndefined();
  }
});

test('worker threads reach memory that has just grown', async () => {
  const device = devices[1]!;
  for (let mebibytes = 1; mebibytes <= 24; mebibytes++) {
    core.scope(() => {
      const x = core.full(device, [mebibytes << 18], 1);
      core.accumulate(core.copy(x), x);
    });
  }
  const last = core.scope(() => core.copy(core.full(device, [3], 2)));
  expect(await last.data()).toEqual(new Float32Array([2, 2, 2]));
  last.dispose();
});

import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { gatedActivationBackwardOp, gatedActivationOp, rmsNormBackwardOp } from '@qsparse/core';
import {
  type GatedSparsifyAttrs,
  gatedSparsifyBackwardOp,
  gatedSparsifyOp,
  sparsifyOp,
} from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstDifference, floats, normals, outputsOn, type Values } from './op-fixture.ts';

const PLAIN = { k: 1, block: 0, int8: false, ste: true, normalize: false, epsilon: 1e-6 };
const KINDS = ['squared-relu', 'silu', 'gelu'] as const;

/** gate and up of [rows, 2 width]. */
function halves({ shape, elements }: Values): { gate: Values; up: Values } {
  const [rows, width] = [shape[0]!, shape[1]! / 2];
  const half = (which: number) =>
    floats(
      [rows, width],
      Array.from({ length: rows * width }, (_, i) => {
        return elements[(2 * Math.floor(i / width) + which) * width + (i % width)]!;
      }),
    );
  return { gate: half(0), up: half(1) };
}

/** The halves back in one row. */
const sideBySide = (gate: Float32Array, up: Float32Array, width: number): Float32Array =>
  Float32Array.from({ length: 2 * gate.length }, (_, i) => {
    const row = Math.floor(i / (2 * width));
    const at = i % (2 * width);
    return at < width ? gate[row * width + at]! : up[row * width + at - width]!;
  });

describe.each(['relaxed', 'baseline'] as const)('gated-sparsify, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  // The kernels that it fuses make the same roundings: not near, equal.
  test.each([
    [5, 256, 102, 0],
    [3, 601, 240, 0],
    [40, 24, 24, 0],
    [1, 4999, 4999, 0],
    [4, 96, 3, 32],
    [4, 96, 5, 12],
  ])('equals activation and sparsify: %i rows of %i, %i, block %i', async (rows, width, k, block) => {
    const [x, weight] = [normals(1, [rows, 2 * width]), normals(2, [width])];
    for (const kind of KINDS) {
      const { y: h } = await outputsOn(device, gatedActivationOp, halves(x), { kind });
      for (const [normalize, int8] of [
        [true, true],
        [true, false],
        [false, true],
        [false, false],
      ] as const) {
        const attrs: GatedSparsifyAttrs = { ...PLAIN, k, block, normalize, int8, kind };
        const norm = normalize ? { weight } : {};
        const got = await outputsOn(device, gatedSparsifyOp, { x, ...norm }, attrs);
        const expected = await outputsOn(
          device,
          sparsifyOp,
          { x: floats([rows, width], h!), ...norm },
          attrs,
        );
        // What is dropped is +0 in both, but the plain activation keeps -0.
        const isPlain = k === (block || width) && !int8 && !normalize;
        const parts = isPlain ? { y: h! } : expected;
        expect(firstDifference(got, parts), `${kind} ${normalize} ${int8}`).toBeUndefined();
      }
    }
  });

  test('a NaN or an infinity spoils its row and no other, unless all is kept as it is', async () => {
    for (const at of [4, 33 + 4]) {
      for (const bad of [Number.NaN, Infinity]) {
        const x = normals(4, [3, 66]);
        (x.elements as Float64Array)[66 + at] = bad;
        const nans = async (attrs: GatedSparsifyAttrs) => {
          const { y } = await outputsOn(device, gatedSparsifyOp, { x }, attrs);
          return [0, 1, 2].map((row) => {
            const all = Array.from(y!.subarray(row * 33, row * 33 + 33));
            return all.filter((value) => !Number.isFinite(value)).length;
          });
        };
        const attrs: GatedSparsifyAttrs = { ...PLAIN, kind: 'squared-relu', k: 10 };
        expect(await nans(attrs)).toEqual([0, 33, 0]);
        expect(await nans({ ...attrs, normalize: true, int8: true })).toEqual([0, 33, 0]);
        expect(await nans({ ...attrs, k: 33 })).toEqual([0, 1, 0]);
      }
    }
  });

  test.each([
    [1, 7],
    [50, 24],
    [70, 601],
  ])('the gradient equals those of norm and activation: %i rows of %i', async (rows, width) => {
    const [x, dy] = [normals(1, [rows, 2 * width]), normals(2, [rows, width])];
    const weight = normals(3, [width]);
    const intoWeight = normals(4, [width]);
    for (const kind of KINDS) {
      const attrs: GatedSparsifyAttrs = { ...PLAIN, k: width, normalize: true, kind };
      const forward = await outputsOn(device, gatedSparsifyOp, { x, weight }, attrs);
      const inverseRms = floats([rows], forward.inverseRms!);
      const { y } = await outputsOn(device, gatedActivationOp, halves(x), { kind });
      const h = floats([rows, width], y!);
      for (const norm of [undefined, {}, { weight }, { weight, intoWeight }]) {
        const normed =
          norm && (await outputsOn(device, rmsNormBackwardOp, { dy, x: h, inverseRms, ...norm }, null));
        const dh = normed ? floats([rows, width], normed.dx!) : dy;
        const parts = await outputsOn(device, gatedActivationBackwardOp, { ...halves(x), dy: dh }, { kind });
        const expected = {
          dx: sideBySide(parts.dGate!, parts.dUp!, width),
          ...(normed?.dWeight && { dWeight: normed.dWeight }),
        };
        const ins = { dy, x, ...(norm && { inverseRms, ...norm }) };
        const got = await outputsOn(device, gatedSparsifyBackwardOp, ins, { kind });
        expect(firstDifference(got, expected), `${kind} ${Object.keys(norm ?? {})}`).toBeUndefined();
      }
    }
  });
});

/** Lists that one launch makes: the same bits as the selection's rows and their lists, one after the other. */
import type { WebGpuDevice } from '@qsparse/backend-webgpu';
import { noGrad, run, scope, type Tensor, tensor } from '@qsparse/core';
import { gatedSparsifyListOp, sparsifyListOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawn } from './compare.ts';

// lavapipe takes many seconds for workgroups of 256 with barriers.
process.env.QSPARSE_WEBGPU_DRIVER ??= 'swiftshader';
const { missing, openDevice } = await import('../drivers.ts');

const PLAIN = { int8: false, ste: true, normalize: false, epsilon: 1e-6, block: 0 };
const DEVICES = {
  subgroups: { barrierFree: false },
  'core WebGPU': { barrierFree: false, without: ['subgroups'] },
} as const;

describe.skipIf(missing).each(Object.entries(DEVICES))('%s', { timeout: 60_000 }, (name, options) => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await openDevice(options);
  });
  afterAll(() => device.dispose());

  async function expectSameBits(
    [rows, width]: readonly [number, number],
    attrs: typeof PLAIN & { readonly k: number },
    kind?: 'squared-relu',
    elements: ArrayLike<number> = drawn([rows, kind ? 2 * width : width]).elements,
  ): Promise<void> {
    const x = tensor(device, elements, [rows, kind ? 2 * width : width]);
    const weight = attrs.normalize ? tensor(device, drawn([width]).elements, [width]) : undefined;
    const ins = { x, ...(weight && { weight }) };
    const [one, composite] = noGrad(() =>
      scope((): Record<string, Tensor>[] =>
        kind
          ? [
              run(gatedSparsifyListOp, ins, { ...attrs, kind }),
              gatedSparsifyListOp.composite!(ins, { ...attrs, kind }),
            ]
          : [run(sparsifyListOp, ins, attrs), sparsifyListOp.composite!(ins, attrs)],
      ),
    ) as [Record<string, Tensor>, Record<string, Tensor>];
    for (const output of ['indices', 'values', 'count', ...(attrs.int8 ? ['scale'] : [])]) {
      const [got, wanted] = [await one[output]!.data(), await composite[output]!.data()];
      expect(Array.from(got), `${name}, ${output} of ${rows} x ${width}`).toEqual(Array.from(wanted));
    }
    for (const made of [x, weight, ...Object.values(one), ...Object.values(composite)]) made?.dispose();
  }

  // Each row below is a pipeline of its own, which a busy machine takes seconds to compile: few, that differ in all that counts.
  test('a row wider than eight vectors an invocation, normed', () =>
    expectSameBits([1, 12_000], { ...PLAIN, int8: true, normalize: true, k: 4801 }));

  test('lists of floats', () => expectSameBits([3, 64], { ...PLAIN, k: 64 }));

  test('gated rows, codes that end inside of a word', () =>
    expectSameBits([2, 520], { ...PLAIN, int8: true, k: 129 }, 'squared-relu'));

  test('ties, zeros, and rows with NaN and infinity', async () => {
    const rare = [Number.NaN, Number.POSITIVE_INFINITY, 3e25, 0];
    const mixed = Float32Array.from({ length: 4 * 520 }, (_, i) => {
      const [row, column] = [Math.floor(i / 520), i % 520];
      if (row === 3) return 0;
      return column === 301 ? rare[row]! : ((i * 7919) % 5) - 2;
    });
    await expectSameBits([4, 520], { ...PLAIN, int8: true, k: 300 }, undefined, mixed);
  });

  test('takes one launch', () => {
    const module = `sparsify-list${name === 'subgroups' ? '-subgroups' : ''}`;
    expect(device.pipelines.some((key) => key.module === module)).toBe(true);
  });
});

import { tensor, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, firstNonFinite, logits, measureSparsity, setSparsity, siteParameters } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { someTokens, TINY, tinyModel } from './tiny-model.ts';

const silu = {
  activation: 'silu',
  linear: { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.75 } },
} as const;

test('shares and their weighting are those made by hand', async () => {
  const device = referenceDevice();
  const model = tinyModel(device, { ...silu, layers: 1 });
  // Widths 8, 16, 8 and 12 keep 2, 4, 2 and 3: a quarter each, unless an input is zero by itself (SiLU's are not).
  const { sites, overall } = await measureSparsity(model, someTokens(device, 2, 5));
  expect(Object.fromEntries(sites)).toEqual({
    'layers.0.qkv': 0.75,
    'layers.0.o': 0.75,
    'layers.0.gate-up': 0.75,
    'layers.0.down': 0.75,
  });
  expect(overall).toBeCloseTo(0.75, 12);
});

test('a site weighs by the parameters that read it', async () => {
  const device = referenceDevice();
  const model = tinyModel(device, {
    ...silu,
    layers: 1,
    linear: { ...silu.linear, sparsity: { kind: 'top-k', sparsity: 0.9 } },
  });
  // Of 8, 16, 8 and 12 stay 1 (0.8), 1 (1.6), 1 (0.8) and 1 (1.2).
  const { sites, overall } = await measureSparsity(model, someTokens(device, 1, 4));
  expect([...sites.values()]).toEqual([7 / 8, 15 / 16, 7 / 8, expect.closeTo(11 / 12, 12)]);
  // q, k, v: 256; o: 128; gate, up: 192; down: 96 parameters.
  const expected =
    (256 * (7 / 8) + 128 * (15 / 16) + 192 * (7 / 8) + 96 * (11 / 12)) / (256 + 128 + 192 + 96);
  expect(overall).toBeCloseTo(expected, 12);
  expect([...siteParameters(model.config).values()]).toEqual([256, 128, 192, 96]);
});

test('exactly K of every token stay at every site', () => {
  const device = referenceDevice();
  const model = tinyModel(device, { ...silu, subLayerNorms: false });
  const kept = new Map<string, Set<number>>();
  const observe = (site: string, selected: Parameters<typeof device.values>[0]): undefined => {
    const values = device.values(selected);
    const width = selected.shape.at(-1)!;
    const counts = new Set<number>();
    for (let first = 0; first < values.length; first += width)
      counts.add(values.subarray(first, first + width).filter((value) => value !== 0).length);
    kept.set(site, counts);
  };
  // The first position repeats its attention output over the heads of a group: exact ties.
  logits(model, someTokens(device, 3, 7), { observe });
  expect(Object.fromEntries(kept)).toEqual(
    Object.fromEntries(
      [0, 1].flatMap((layer) => [
        [`layers.${layer}.qkv`, new Set([2])],
        [`layers.${layer}.o`, new Set([4])],
        [`layers.${layer}.gate-up`, new Set([2])],
        [`layers.${layer}.down`, new Set([3])],
      ]),
    ),
  );
});

test('squared ReLU makes more zeros at down than selection does', async () => {
  const device = referenceDevice();
  const { sites } = await measureSparsity(tinyModel(device), someTokens(device, 2, 8));
  expect(sites.get('layers.0.qkv')).toBe(0);
  expect(sites.get('layers.0.down')).toBeGreaterThan(0.2);
});

test('the current sparsity is what is measured', async () => {
  const device = referenceDevice();
  const model = tinyModel(device, silu);
  setSparsity(model, { kind: 'block', keep: 2, block: 4 });
  expect((await measureSparsity(model, someTokens(device, 1, 5))).overall).toBeCloseTo(0.5, 12);
});

test('the first place that is not finite is named', async () => {
  const device = referenceDevice();
  const model = tinyModel(device);
  const tokens = someTokens(device, 1, 5);
  expect(await firstNonFinite(model, tokens)).toBeUndefined();
  const poison = (name: string) => {
    const param = model.arena.params.get(name)!;
    write(param, new Float64Array(param.size).fill(Number.NaN));
  };
  poison('lm_head.weight');
  expect(await firstNonFinite(model, tokens)).toBe('logits');
  poison('model.layers.1.self_attn.v_proj.weight');
  expect(await firstNonFinite(model, tokens)).toBe('layers.1.o');
  poison('model.layers.0.self_attn.o_proj.weight');
  expect(await firstNonFinite(model, tokens)).toBe('layers.0.gate-up');
  // A token outside the vocabulary has no embedding.
  expect(await firstNonFinite(model, tensor(device, [TINY.vocabularySize], [1, 1], 'i32'))).toBe(
    'layers.0.qkv',
  );
});

test('measuring leaves no memory behind, and nobody pays who does not ask', async () => {
  const device = nullDevice();
  const model = tinyModel(device, silu);
  const tokens = someTokens(device, 1, 5);
  const before = device.memory().count;
  device.resetCounts();
  logits(model, tokens).dispose();
  const { launches } = device.counts();
  device.resetCounts();
  await measureSparsity(model, tokens);
  expect(device.counts().launches).toEqual(launches);
  expect(device.memory().count).toBe(before);
});

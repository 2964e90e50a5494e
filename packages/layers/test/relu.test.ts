import { backward, scope } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, type DecoderConfig, lossOf, measureSparsity, type Sparsity } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { someTokens, tinyModel } from './tiny-model.ts';

const RELU: Sparsity = { kind: 'relu' };

test('ReLU at all sites leaves out what is not above 0, and nothing is negative', async () => {
  const model = tinyModel(referenceDevice(), { linear: { ...DENSE, sparsity: RELU } });
  const { sites } = await measureSparsity(model, someTokens(model.device, 2, 9));
  for (const share of sites.values()) {
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.9);
  }
});

test('ReLUfication: ReLU behind the norms and in the gate; the o site stays dense', async () => {
  const sparsityBySite = Object.fromEntries(
    [0, 1].flatMap((i) => ['qkv', 'gate-up'].map((site) => [`layers.${i}.${site}`, RELU])),
  );
  const model = tinyModel(referenceDevice(), { activation: 'relu', linear: { ...DENSE, sparsityBySite } });
  const { sites } = await measureSparsity(model, someTokens(model.device, 2, 9));
  expect(sites.get('layers.0.o')).toBe(0);
  for (const site of ['qkv', 'gate-up', 'down']) expect(sites.get(`layers.1.${site}`)).toBeGreaterThan(0.2);
});

test('dReLU is ReLU of gate and up alike: sparser than ReLU of the gate', async () => {
  const downOf = async (activation: DecoderConfig['activation']) => {
    const model = tinyModel(referenceDevice(), { activation, subLayerNorms: false });
    return (await measureSparsity(model, someTokens(model.device, 2, 9))).sites.get('layers.0.down')!;
  };
  expect(await downOf('silu')).toBe(0);
  expect(await downOf('drelu')).toBeGreaterThan((await downOf('relu')) + 0.1);
});

test.each<[string, Partial<DecoderConfig>]>([
  ['ReLU at the sites', { linear: { ...DENSE, sparsity: RELU } }],
  [
    'ReLU at the sites, squared ReLU in the gate',
    { linear: { ...DENSE, sparsity: RELU }, activation: 'squared-relu', subLayerNorms: false },
  ],
  ['ReLU gate', { activation: 'relu' }],
  ['dReLU', { activation: 'drelu', subLayerNorms: false }],
])('%s: gradients are those of finite differences', async (_, overrides) => {
  const device = referenceDevice();
  const model = tinyModel(device, overrides);
  const [tokens, targets] = [someTokens(device, 1, 6), someTokens(device, 1, 6, 7)];
  scope(() => backward(lossOf(model, tokens, targets), model.arena.params.values()));
  const memory = device.values(model.arena.values);
  const lossWith = (index: number, value: number) => {
    const moved = Float64Array.from(memory);
    moved[index] = value;
    device.write(model.arena.values, moved);
    const loss = scope(() => lossOf(model, tokens, targets));
    return device.values(loss)[0]!;
  };
  const gradients = device.values(model.arena.grads);
  const step = 1e-6;
  for (const name of ['model.layers.0.mlp.up_proj.weight', 'model.layers.0.self_attn.k_proj.weight']) {
    for (const index of [3, 17].map((i) => model.arena.offsets.get(name)! + i)) {
      const slope =
        (lossWith(index, memory[index]! + step) - lossWith(index, memory[index]! - step)) / (2 * step);
      expect(gradients[index]).toBeCloseTo(slope, 6);
    }
  }
});

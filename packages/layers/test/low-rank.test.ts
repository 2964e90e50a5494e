import { backward, fillWith, noGrad, scope, ValueError, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import {
  createDecoder,
  DENSE,
  type DecoderConfig,
  initialize,
  LORA_TARGETS,
  type LoraOptions,
  lossOf,
  withLora,
} from '@qsparse/layers';
import { describe, expect, test } from 'vitest';
import { someTokens, TINY } from './tiny-model.ts';

const OPTIONS: LoraOptions = { rank: 2, alpha: 3, targets: LORA_TARGETS };
const TERNARY: Partial<DecoderConfig> = {
  linear: { ...DENSE, weights: 'ternary', activations: 'int8', sparsity: { kind: 'top-k', sparsity: 0.5 } },
};

function pair(overrides: Partial<DecoderConfig> = {}, options = OPTIONS) {
  const device = referenceDevice();
  const make = () => {
    const model = createDecoder(device, { ...TINY, ...overrides }, { gradients: false });
    initialize(model, 1);
    return model;
  };
  const [tokens, targets] = [someTokens(device, 2, 8), someTokens(device, 2, 8, 7)];
  const lossIn = (model: ReturnType<typeof make>) =>
    device.values(noGrad(() => lossOf(model, tokens, targets)))[0]!;
  return { device, base: make(), lora: withLora(make(), options, 5), tokens, targets, lossIn };
}

/** Gives every B some numbers, as if it had been trained. */
function train({ lora }: ReturnType<typeof pair>): void {
  for (const [name, param] of lora.arena.params)
    if (name.endsWith('lora_B.weight'))
      write(
        param,
        Array.from({ length: param.size }, (_, i) => Math.sin(3 * i + 1) / 10),
      );
}

test('a new adapter changes nothing, a trained one does', () => {
  const both = pair();
  expect(both.lossIn(both.lora)).toBe(both.lossIn(both.base));
  train(both);
  expect(Math.abs(both.lossIn(both.lora) - both.lossIn(both.base))).toBeGreaterThan(1e-4);
});

describe.each<[string, Partial<DecoderConfig>, LoraOptions]>([
  ['full weights', {}, OPTIONS],
  ['ternary top-K', TERNARY, OPTIONS],
  ['q and v alone', {}, { ...OPTIONS, targets: ['q_proj', 'v_proj'] }],
])('%s', (_, overrides, options) => {
  test('merged weights give the same loss', () => {
    const both = pair(overrides, options);
    train(both);
    for (const [name, param] of both.base.arena.params) {
      const root = name.replace(/weight$/, '');
      const [a, b] = ['A', 'B'].map((letter) =>
        both.lora.arena.params.get(`base_model.model.${root}lora_${letter}.weight`),
      );
      if (!a || !b) continue;
      const [outputs, inputs] = param.shape as [number, number];
      const [av, bv, w] = [a, b, param].map((x) => both.device.values(x)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      for (let i = 0; i < outputs; i++)
        for (let j = 0; j < inputs; j++)
          for (let r = 0; r < options.rank; r++)
            w[i * inputs + j]! +=
              (options.alpha / options.rank) * bv[i * options.rank + r]! * av[r * inputs + j]!;
      write(param, w);
    }
    expect(both.lossIn(both.lora)).toBeCloseTo(both.lossIn(both.base), 10);
  });
});

test('gradients of the adapter are those of finite differences', () => {
  const both = pair();
  train(both);
  const { lora, device, tokens, targets, lossIn } = both;
  fillWith(lora.arena.grads, 0);
  scope(() => backward(lossOf(lora, tokens, targets), lora.arena.params.values()));
  const [values, gradients] = [device.values(lora.arena.values), device.values(lora.arena.grads)];
  for (const [name, offset] of lora.arena.offsets) {
    if (!/layers\.1\.(self_attn\.k|self_attn\.o|mlp\.up|mlp\.down)_proj/.test(name)) continue;
    const at = (value: number) => {
      const moved = values.slice();
      moved[offset + 3] = value;
      write(lora.arena.values, moved);
      return lossIn(lora);
    };
    const slope = (at(values[offset + 3]! + 1e-6) - at(values[offset + 3]! - 1e-6)) / 2e-6;
    expect(gradients[offset + 3], name).toBeCloseTo(slope, 6);
  }
});

test('the base has no gradients, and all memory is given back', () => {
  const { device, lora, base } = pair();
  expect(() => base.arena.grads).toThrow('these parameters have no gradients');
  lora.dispose();
  base.dispose();
  expect(device.memory().count).toBeLessThanOrEqual(2); // the tokens and targets
});

test.each<[Partial<LoraOptions>, string]>([
  [{ rank: 0 }, 'rank must be a whole number of at least 1, got 0'],
  [{ alpha: 0 }, 'alpha must be above 0, got 0'],
  [{ targets: [] }, 'targets must be some of q_proj, k_proj'],
  [{ targets: ['head' as 'q_proj'] }, 'got head'],
])('%o is refused', (wrong, message) => {
  const make = () => pair({}, { ...OPTIONS, ...wrong });
  expect(make).toThrow(ValueError);
  expect(make).toThrow(message);
});

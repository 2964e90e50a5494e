import { backward, capture, fillWith, noGrad, scope, type Tensor, tensor, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import {
  createCache,
  createDecoder,
  DENSE,
  type DecoderConfig,
  type LinearConfig,
  logits,
  lossOf,
  measureSparsity,
  SITES,
  setSparsity,
} from '@qsparse/layers';
import { describe, expect, test } from 'vitest';
import { someTokens, TINY, tinyModel } from './tiny-model.ts';

const QSPARSE: LinearConfig = {
  ...DENSE,
  sparsity: { kind: 'top-k', sparsity: 0.6 },
  weights: 'ternary',
  activations: 'int8',
};

const VARIANTS: Readonly<Record<string, Partial<DecoderConfig>>> = {
  dense: {},
  'ternary top-K': { linear: QSPARSE },
  'blocks, SwiGLU, tied, no sub-layer norms': {
    linear: { ...DENSE, sparsity: { kind: 'block', keep: 2, block: 4 } },
    activation: 'silu',
    tiedEmbedding: true,
    subLayerNorms: false,
  },
  'sliding window': { slidingWindow: 3 },
  'sliding window in the second layer alone': { slidingWindow: 3, slidingLayers: [false, true] },
  'biases everywhere, head norms': { biases: SITES, queryKeyNorm: true },
  'biases of q, k and v, head norms, ternary top-K': { biases: ['qkv'], queryKeyNorm: true, linear: QSPARSE },
  'yarn, preserve': {
    ropeScaling: { kind: 'yarn', factor: 4, originalLength: 4 },
    linear: { ...QSPARSE, rescale: 'preserve' },
  },
};

describe.each(Object.entries(VARIANTS))('%s', (_, overrides) => {
  const device = referenceDevice();
  const model = tinyModel(device, overrides);
  const tokens = someTokens(device, 2, 9);

  test('token by token with the cache, in pieces and all at once give the same logits', () => {
    const whole = device.values(logits(model, tokens)); // [2, 9, 11]
    for (const piece of [1, 4, 9]) {
      const cache = createCache(model, 2);
      for (let start = 0; start < 9; start += piece) {
        const length = Math.min(piece, 9 - start);
        const ids = [0, 1].flatMap((row) =>
          [...device.values(tokens)].slice(9 * row + start, 9 * row + start + length),
        );
        write(cache.position, [start]);
        const part = device.values(logits(model, tensor(device, ids, [2, length], 'i32'), { cache }));
        for (const row of [0, 1]) {
          const expected = whole.subarray((9 * row + start) * 11, (9 * row + start + length) * 11);
          const actual = part.subarray(row * length * 11, (row + 1) * length * 11);
          for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 10);
        }
      }
      cache.dispose();
    }
  });

  test('a token changes no logits before it', () => {
    const ids = [...device.values(tokens)];
    ids[6] = (ids[6]! + 1) % 11;
    const before = device.values(logits(model, tokens));
    const after = device.values(logits(model, tensor(device, ids, [2, 9], 'i32')));
    expect(after.subarray(0, 6 * 11)).toEqual(before.subarray(0, 6 * 11));
    expect(after.subarray(6 * 11, 7 * 11)).not.toEqual(before.subarray(6 * 11, 7 * 11));
    expect(after.subarray(9 * 11)).toEqual(before.subarray(9 * 11));
  });

  test('every parameter gets a gradient, and a captured step gives the same bits as an eager one', async () => {
    const inputs = { tokens, targets: someTokens(device, 2, 9, 7) };
    const body = ({ tokens: x, targets: y }: { readonly tokens: Tensor; readonly targets: Tensor }) => {
      fillWith(model.arena.grads, 0);
      const loss = lossOf(model, x, y);
      backward(loss, model.arena.params.values());
      return loss;
    };
    const eager = await scope(() => body(inputs)).item();
    const gradients = device.values(model.arena.grads);
    for (const [name, { grad }] of model.arena.params)
      expect(
        device.values(grad).some((value) => value !== 0),
        name,
      ).toBe(true);
    const step = capture(body);
    for (let call = 0; call < 4; call++) {
      expect(await step(inputs).item()).toBe(eager);
      expect(device.values(model.arena.grads)).toEqual(gradients);
    }
    step.dispose();
  });
});

test('one selection for q, k and v, one for gate and up: four a block, and each weight is rounded once', () => {
  const device = nullDevice();
  const model = tinyModel(device, { linear: QSPARSE, layers: 3 });
  const tokens = someTokens(device, 2, 8);
  device.resetCounts();
  noGrad(() => logits(model, tokens)).dispose();
  expect(device.counts().launches).toEqual({
    embedding: 1,
    sparsify: 3 * 3,
    'gated-sparsify': 3,
    ternarize: 3 * 4,
    matmul: 3 * 4 + 1,
    'rotary-heads': 3,
    attention: 3,
    'rms-norm': 1,
  });
});

test('gradients of biases and head norms are those of small differences', () => {
  const device = referenceDevice();
  const model = tinyModel(device, { biases: SITES, queryKeyNorm: true, layers: 1 });
  const [tokens, targets] = [someTokens(device, 2, 9), someTokens(device, 2, 9, 7)];
  const loss = () => device.values(noGrad(() => lossOf(model, tokens, targets)))[0]!;
  scope(() => backward(lossOf(model, tokens, targets), model.arena.params.values()));
  for (const [name, param] of model.arena.params) {
    if (!/bias|[qk]_norm/.test(name)) continue;
    const values = Float64Array.from(device.values(param));
    const last = values.length - 1;
    const at = (value: number) => {
      write(param, values.with(last, value));
      return loss();
    };
    const difference = (at(values[last]! + 1e-4) - at(values[last]! - 1e-4)) / 2e-4;
    write(param, values);
    expect(device.values(param.grad)[last], name).toBeCloseTo(difference, 6);
  }
});

test('bf16: biases, head norms and all; logits near those of f32, gradients in the f32 arena', () => {
  const device = referenceDevice();
  const overrides = { biases: SITES, queryKeyNorm: true };
  const [exact, rounded] = (['f32', 'bf16'] as const).map((compute) => {
    const model = tinyModel(device, overrides, compute);
    const cache = createCache(model, 2, 9);
    const tokens = someTokens(device, 2, 9);
    const scores = noGrad(() => logits(model, tokens, { cache }));
    scope(() => backward(lossOf(model, tokens, someTokens(device, 2, 9, 7)), model.arena.params.values()));
    return { dtype: scores.dtype, logits: device.values(scores), grads: device.values(model.arena.grads) };
  });
  expect([exact!.dtype, rounded!.dtype]).toEqual(['f32', 'bf16']);
  const distance = (a: Float64Array, b: Float64Array) =>
    Math.hypot(...a.map((value, i) => value - b[i]!)) / Math.hypot(...b);
  for (const key of ['logits', 'grads'] as const) {
    expect(distance(rounded![key], exact![key])).toBeGreaterThan(1e-4);
    expect(distance(rounded![key], exact![key])).toBeLessThan(0.03);
  }
});

test('biases cost one launch a site; head norms cost seven in place of one', () => {
  const device = nullDevice();
  const tokens = someTokens(device, 2, 8);
  const launches = (overrides: Partial<DecoderConfig>) => {
    const model = tinyModel(device, overrides);
    device.resetCounts();
    noGrad(() => logits(model, tokens)).dispose();
    const { launches: counts } = device.counts();
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  };
  const plain = launches({});
  expect(launches({ biases: ['qkv'] })).toBe(plain + 2);
  expect(launches({ biases: SITES })).toBe(plain + 8);
  expect(launches({ queryKeyNorm: true })).toBe(plain + 12);
});

test('straight through, the backward sweep has no launch for mask or rounding', () => {
  const device = nullDevice();
  const model = tinyModel(device, { linear: QSPARSE, layers: 1 });
  const tokens = someTokens(device, 2, 8);
  scope(() => {
    const loss = lossOf(model, tokens, tokens);
    device.resetCounts();
    backward(loss, model.arena.params.values());
  });
  const { launches } = device.counts();
  expect(Object.keys(launches)).not.toContain('sparsify');
  expect(Object.keys(launches)).not.toContain('select');
  expect(launches['rms-norm-backward']).toBe(3 + 1);
  expect(launches['gated-sparsify-backward']).toBe(1);
  expect(launches.matmul).toBe(2 * (4 + 1));
});

test('the logits and their gradient share memory', () => {
  const device = nullDevice();
  const model = tinyModel(device, { vocabularySize: 4096, layers: 1 });
  const tokens = someTokens(device, 4, 10);
  const before = device.memory().live;
  scope(() => backward(lossOf(model, tokens, tokens), model.arena.params.values()));
  const logitBytes = 4 * 10 * 4096 * 4;
  expect(device.memory().peak - before).toBeLessThan(1.5 * logitBytes);
});

test('a decoder gives back all of its memory', () => {
  const device = nullDevice();
  const model = tinyModel(device);
  const tokens = someTokens(device, 1, 4);
  scope(() => backward(lossOf(model, tokens, tokens), model.arena.params.values()));
  model.dispose();
  tokens.dispose();
  expect(device.memory().live).toBe(0);
});

test('another sparsity acts at once and is checked', async () => {
  const device = referenceDevice();
  const model = tinyModel(device, { activation: 'silu' });
  const tokens = someTokens(device, 1, 5);
  const dense = device.values(logits(model, tokens));
  setSparsity(model, { kind: 'top-k', sparsity: 0.5 });
  expect(device.values(logits(model, tokens))).not.toEqual(dense);
  expect(() => setSparsity(model, { kind: 'block', keep: 1, block: 5 })).toThrow(
    'blocks of 5 must divide the width 8',
  );
  const half = { kind: 'top-k', sparsity: 0.5 } as const;
  setSparsity(model, half, { 'layers.0.down': { kind: 'dense' } });
  const { sites } = await measureSparsity(model, tokens);
  expect([sites.get('layers.0.down'), sites.get('layers.1.down')]).toEqual([0, 0.5]);
  setSparsity(model, { kind: 'dense' });
  expect(device.values(logits(model, tokens))).toEqual(dense);
});

test('a config that cannot be built takes no memory', () => {
  const device = nullDevice();
  expect(() => createDecoder(device, { ...TINY, headSize: 3 })).toThrow('[config] headSize must be even');
  expect(() => createDecoder(device, { ...TINY, ropeScaling: { kind: 'linear', factor: 0.5 } })).toThrow(
    'factor must be finite and at least 1',
  );
  expect(device.memory().live).toBe(0);
});

test('more tokens than the context are refused by name', () => {
  const device = referenceDevice();
  expect(() => logits(tinyModel(device), someTokens(device, 1, 11))).toThrow(
    'the table has 10 positions, got 11 tokens',
  );
});

describe.each(Object.entries(VARIANTS))('%s, trained', (_, overrides) => {
  const device = referenceDevice();
  const model = tinyModel(device, overrides);
  const [tokens, targets] = [someTokens(device, 2, 9), someTokens(device, 2, 9, 7)];

  test('documents in one row see themselves alone', () => {
    // One of four tokens and one of five, in both rows.
    const first = tensor(device, [0, 0, 0, 0, 4, 4, 4, 4, 4, 0, 0, 0, 0, 4, 4, 4, 4, 4], [2, 9], 'i32');
    const packed = device.values(scope(() => logits(model, tokens, { first })));
    for (const [start, length] of [
      [0, 4],
      [4, 5],
    ] as const) {
      for (const row of [0, 1]) {
        const ids = device.values(tokens).slice(9 * row + start, 9 * row + start + length);
        const alone = device.values(scope(() => logits(model, tensor(device, ids, [1, length], 'i32'))));
        const from = 11 * (9 * row + start);
        // Rotary positions are relative, so where a document lies changes roundings alone.
        [...alone].forEach((value, i) => {
          expect(packed[from + i]).toBeCloseTo(value, 9);
        });
      }
    }
  });

  test.each(['f32', 'bf16'] as const)('recomputed blocks give the same bits, %s', (compute) => {
    const trained = tinyModel(device, overrides, compute);
    const gradients = (recomputeBlocks: boolean) => {
      fillWith(trained.arena.grads, 0);
      scope(() =>
        backward(lossOf(trained, tokens, targets, { recomputeBlocks }), trained.arena.params.values()),
      );
      return device.values(trained.arena.grads).slice();
    };
    const kept = gradients(false);
    expect(kept.some((value) => value !== 0)).toBe(true);
    expect(gradients(true)).toEqual(kept);
    trained.dispose();
  });
});

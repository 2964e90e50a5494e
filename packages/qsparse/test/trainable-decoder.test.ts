import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NonFiniteError, tensor, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { packExamples, pairBatches } from '@qsparse/data/tuning';
import { createDecoder, type Decoder, type DecoderConfig, initialize, type Sparsity } from '@qsparse/layers';
import { type TrainOptions, type TrainStep, textBatches, train } from '@qsparse/training';
import { folderStore } from '@qsparse/training/node';
import { trainableDecoder } from 'qsparse';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TINY, tinyDecoder } from './tiny-decoder.ts';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'trainable-'));
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

const tokens = Uint16Array.from({ length: 75 }, (_, i) => (i * i + 5 * i) % TINY.vocabularySize);
const schedule = { kind: 'cosine', steps: 8, warmupSteps: 2, peak: 0.01, weightDecay: 0.1 } as const;

async function steps(options: Partial<TrainOptions>, stopAfter = 99): Promise<TrainStep[]> {
  const stop = new AbortController();
  const done: TrainStep[] = [];
  const model = trainableDecoder(tinyDecoder(referenceDevice()));
  const batches = textBatches(tokens, { batchSize: 2, rowLength: 8, seed: 1 });
  for await (const step of train({ model, batches, schedule, signal: stop.signal, ...options })) {
    done.push(step);
    if (step.step === stopAfter) stop.abort();
  }
  return done;
}

test('a ternary top-K decoder resumes bit-identically from disk: epochs end, sparsity warms up, gradients accumulate', async () => {
  // 9 rows an epoch, 4 an update: an epoch ends inside updates 3, 5 and 7.
  const options = { accumulation: 2, sparsity: { target: 0.5, warmupSteps: 6, levels: 3 } };
  const uninterrupted = await steps(options);
  const checkpoints = { every: 100, store: folderStore(run) };
  const first = await steps({ ...options, checkpoints }, 3);
  const second = await steps({ ...options, checkpoints, resume: true }, 5);
  const rest = await steps({ ...options, checkpoints, resume: true });
  const seen = (done: readonly TrainStep[]) =>
    done.map(({ loss, gradientNorm, sparsity }) => [loss, gradientNorm, sparsity]);
  expect(seen([...first, ...second, ...rest])).toEqual(seen(uninterrupted));
});

test.each<[Sparsity, readonly (readonly [number, Sparsity])[]]>([
  [
    { kind: 'top-k', sparsity: 0.6 },
    [
      [0, { kind: 'dense' }],
      [0.3, { kind: 'top-k', sparsity: 0.3 }],
    ],
  ],
  [
    { kind: 'block', keep: 2, block: 8 },
    [
      [0, { kind: 'dense' }],
      [0.375, { kind: 'block', keep: 5, block: 8 }],
      [0.75, { kind: 'block', keep: 2, block: 8 }],
      [0.99, { kind: 'block', keep: 1, block: 8 }],
    ],
  ],
  [{ kind: 'dense' }, [[0, { kind: 'dense' }]]],
])('a warm-up to %j keeps the kind of selection and ends at the target', (target, levels) => {
  const decoder = tinyDecoder(nullDevice(), { sparsity: target });
  const model = trainableDecoder(decoder);
  for (const [share, expected] of levels) {
    model.setSparsity!(share);
    expect(decoder.config.linear.sparsity).toEqual(expected);
  }
});

test('sites of their own have it at the target alone', () => {
  const sparsity = { kind: 'top-k', sparsity: 0.6 } as const;
  const sparsityBySite = { 'layers.1.o': { kind: 'dense' } } as const;
  const { linear } = TINY;
  const decoder = tinyDecoder(nullDevice(), { ...linear, sparsity, sparsityBySite });
  const model = trainableDecoder(decoder);
  model.setSparsity!(0.3);
  expect(decoder.config.linear.sparsityBySite).toBeUndefined();
  model.setSparsity!(0.6);
  expect(decoder.config.linear).toEqual({ ...linear, sparsity, sparsityBySite });
});

test('a poisoned weight stops training with step, layer and site', async () => {
  const decoder: Decoder = tinyDecoder(referenceDevice());
  const checkpoints = { every: 2, store: folderStore(run) };
  const batches = textBatches(tokens, { batchSize: 2, rowLength: 8, seed: 1 });
  const poison = async () => {
    for await (const { step } of train({
      model: trainableDecoder(decoder),
      batches,
      schedule,
      checkpoints,
    })) {
      const weight = decoder.arena.params.get('model.layers.1.self_attn.v_proj.weight')!;
      if (step === 3) write(weight, new Float64Array(weight.size).fill(Number.NaN));
    }
  };
  const error = await poison().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NonFiniteError);
  expect((error as Error).message).toBe(
    '[train] step 4: the loss is NaN; the first that are not finite are the weight model.layers.1.self_attn.v_proj.weight and the values at layers.1.o; nothing more was saved, checkpoints of earlier steps are intact; lower the learning rate or clip more',
  );
  const stored = (await checkpoints.store.latest())!;
  expect(stored.state.step).toBe(2);
  await stored.close();
});

test('a learning rate that is far too large is stopped, and every checkpoint that was written can be used', async () => {
  const checkpoints = { every: 1, store: folderStore(run) };
  const wild = { ...schedule, kind: 'constant', warmupSteps: 0, peak: 1e300 } as const;
  await expect(steps({ schedule: wild, clipNorm: 0, checkpoints })).rejects.toThrow(NonFiniteError);
  const stored = await checkpoints.store.latest();
  if (stored) {
    for (const name of stored.weights.tensors.keys()) {
      const { data } = await stored.weights.read(name);
      expect(
        (data as Float64Array).every((value) => Number.isFinite(value)),
        name,
      ).toBe(true);
    }
    await stored.close();
  }
});

test('a captured step of a decoder replays for 1,000 steps without growth', async () => {
  const device = nullDevice();
  const model = trainableDecoder(tinyDecoder(device));
  const batches = textBatches(tokens, { batchSize: 2, rowLength: 8, seed: 1 });
  const memory = new Set<string>();
  const launches = new Set<number>();
  for await (const { step } of train({ model, batches, schedule: { ...schedule, steps: 1003 } })) {
    const all = Object.values(device.counts().launches).reduce((sum, count) => sum + count, 0);
    device.resetCounts();
    if (step <= 3) continue;
    memory.add(JSON.stringify(device.memory()));
    launches.add(all);
  }
  expect(memory.size).toBe(1);
  expect(launches.size).toBe(1);
});

test('the loss is that of the decoder', async () => {
  const device = referenceDevice();
  const config: DecoderConfig = { ...TINY, vocabularySize: 5 };
  const decoder = createDecoder(device, config); // zero weights: every token is equally likely
  initialize(decoder, 1);
  write(decoder.head, new Float64Array(decoder.head.size));
  const ids = tensor(device, [1, 2], [1, 2], 'i32');
  expect(await trainableDecoder(decoder).loss(ids, ids).item()).toBeCloseTo(Math.log(5), 6);
});

const example = (start: number, length: number) => ({
  tokens: Int32Array.from({ length }, (_, i) => (start + i * i) % TINY.vocabularySize),
  targets: Int32Array.from({ length }, (_, i) => (i < 1 ? -1 : (start + 3 * i) % TINY.vocabularySize)),
});

test('examples that share a row have the loss that they have alone', async () => {
  const model = tinyDecoder(referenceDevice());
  const { loss } = trainableDecoder(model);
  const examples = [example(1, 3), example(5, 5)];
  const { tokens, targets, more } = packExamples(examples, { rowLength: 8, batchSize: 1, seed: 0 }).next();
  const upload = (values: ArrayLike<number>) => tensor(model.device, values, [1, values.length], 'i32');
  const numberOf = (made: ReturnType<typeof loss>) => made.item();
  const packed = await numberOf(loss(upload(tokens), upload(targets), { first: upload(more.first) }));
  const alone = await Promise.all(
    examples.map((one) => numberOf(loss(upload(one.tokens), upload(one.targets)))),
  );
  expect(packed).toBeCloseTo((2 * alone[0]! + 4 * alone[1]!) / 6, 6);
  expect(packed).not.toBeCloseTo(await numberOf(loss(upload(tokens), upload(targets))), 3);
});

test('preferences are learnt, with recomputed blocks in the same bits', async () => {
  const pairs = [1, 4, 9].map((start) => ({
    chosen: example(start, 6),
    rejected: example(start + 2, 7),
    reference: [12, 15] as const,
  }));
  const losses = async (recomputeBlocks: boolean) => {
    const model = trainableDecoder(tinyDecoder(referenceDevice()), { preferenceBeta: 0.5, recomputeBlocks });
    const inner = pairBatches(pairs, { batchSize: 3, rowLength: 8, seed: 1 });
    const batches = { next: () => inner.next(), position: () => inner.position, seek() {}, fingerprint: '' };
    const seen: number[] = [];
    for await (const { loss } of train({ model, batches, schedule: { ...schedule, peak: 0.05 } }))
      seen.push(loss);
    return seen;
  };
  const seen = await losses(false);
  expect(seen.at(-1)).toBeLessThan(seen[0]!);
  expect(await losses(true)).toEqual(seen);
  const { loss } = trainableDecoder(tinyDecoder(referenceDevice()), { preferenceBeta: 0.5 });
  const ids = tensor(referenceDevice(), [1, 2], [1, 2], 'i32');
  expect(() => loss(ids, ids)).toThrow('preferences need counts and reference');
});

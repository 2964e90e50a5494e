import { NonFiniteError, ValueError, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { type EvaluationBatch, evaluationBatches } from '@qsparse/data';
import { type TrainOptions, type TrainStep, textBatches, train } from '@qsparse/training';
import { describe, expect, test } from 'vitest';
import { type Bigram, bigram } from './bigram.ts';
import { countingBatches } from './counting-batches.ts';
import { memoryStore } from './memory-store.ts';

const SCHEDULE = { kind: 'cosine', steps: 12, warmupSteps: 3, peak: 0.05, weightDecay: 0.1 } as const;
const text = Uint16Array.from({ length: 40 }, (_, i) => (i * i + 3 * i) % 7);

async function steps(options: TrainOptions, stopAfter = Number.POSITIVE_INFINITY): Promise<TrainStep[]> {
  const stop = new AbortController();
  const all: TrainStep[] = [];
  for await (const step of train({ signal: stop.signal, ...options })) {
    all.push(step);
    if (step.step >= stopAfter) stop.abort();
  }
  return all;
}

const basics = (): { model: Bigram; batches: TrainOptions['batches']; schedule: typeof SCHEDULE } => ({
  model: bigram(referenceDevice()),
  batches: countingBatches(),
  schedule: SCHEDULE,
});
/** Batches of which every other target is left out in the first row, and more are left out the further they are. */
function unevenBatches(): TrainOptions['batches'] {
  const inner = countingBatches({ rows: 2, length: 6 });
  const next = () => {
    const batch = inner.next();
    const { at } = inner.position() as { at: number };
    const targets = batch.targets.map((target, i) => ((i < 6 ? i % 2 : (at + i) % 5) === 0 ? -1 : target));
    return { ...batch, targets };
  };
  return { ...inner, next, fingerprint: 'uneven', ignoresTargets: true };
}
const losses = (done: readonly TrainStep[]) => done.map(({ loss }) => loss);
/** Without what the clock and the place decide. */
const exact = (done: readonly TrainStep[]) =>
  done.map(({ step, loss, learningRate, gradientNorm, tokens, sparsity, validationLoss }) => ({
    step,
    loss,
    learningRate,
    gradientNorm,
    tokens,
    sparsity,
    validationLoss,
  }));

test('every update is reported; validation and checkpoints come when due and at the end', async () => {
  const store = memoryStore();
  const batches: Iterable<EvaluationBatch> = evaluationBatches(text, { rowLength: 3, batchSize: 2 });
  const done = await steps({
    ...basics(),
    validation: { every: 5, batches },
    checkpoints: { every: 4, store },
  });
  expect(done.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(done.map(({ tokens }) => tokens)).toEqual(done.map(({ step }) => 6 * step));
  expect(done.filter((step) => 'validationLoss' in step).map(({ step }) => step)).toEqual([5, 10, 12]);
  expect(store.saved.map(({ state }) => JSON.parse(state).step)).toEqual([4, 8, 12]);
  expect(done.slice(0, 4).map(({ learningRate }) => learningRate)).toEqual(
    [0.05 / 3, 0.1 / 3, 0.05, 0.05].map((rate) => expect.closeTo(rate, 12)),
  );
  expect(done.at(-1)!.loss).toBeLessThan(done[0]!.loss);
  expect(done[0]).not.toHaveProperty('sparsity');
  expect(done.every(({ tokensPerSecond, gradientNorm }) => tokensPerSecond > 0 && gradientNorm > 0)).toBe(
    true,
  );
});

describe.each<[string, () => Partial<TrainOptions>]>([
  ['plain', () => ({})],
  ['with accumulation', () => ({ accumulation: 3 })],
  // 13 rows an epoch, 2 a batch: an epoch ends inside a batch, at steps 7 and 14.
  ['across epochs', () => ({ batches: textBatches(text, { batchSize: 2, rowLength: 3, seed: 1 }) })],
  ['in a sparsity warm-up', () => ({ sparsity: { target: 0.5, warmupSteps: 10, levels: 4 } })],
  ['with an average of the weights', () => ({ optimizer: { ema: 0.9 } })],
  ['with targets that are ignored', () => ({ batches: unevenBatches(), accumulation: 2 })],
  ['in two stages', () => ({ schedule: { ...SCHEDULE, kind: 'two-stage' } })],
])('exact resume, %s', (_, some) => {
  test.each([1, 4, 7, 11])(
    'after step %d the losses are those of the run that was not stopped',
    async (stopAfter) => {
      const uninterrupted = await steps({ ...basics(), ...some() });
      const store = memoryStore();
      const checkpoints = { every: 100, store };
      const first = await steps({ ...basics(), ...some(), checkpoints }, stopAfter);
      expect(store.saved).toHaveLength(1);
      const rest = await steps({ ...basics(), ...some(), checkpoints, resume: true });
      expect(exact([...first, ...rest])).toEqual(exact(uninterrupted));
    },
  );
});

test('resuming a run that is done does nothing', async () => {
  const store = memoryStore();
  const checkpoints = { every: 100, store };
  await steps({ ...basics(), checkpoints });
  expect(await steps({ ...basics(), checkpoints, resume: true })).toEqual([]);
  expect(store.saved).toHaveLength(1);
});

test('with more steps a finished run goes on', async () => {
  const checkpoints = { every: 100, store: memoryStore() };
  await steps({ ...basics(), checkpoints });
  const more = await steps({ ...basics(), schedule: { ...SCHEDULE, steps: 14 }, checkpoints, resume: true });
  expect(more.map(({ step, tokens }) => [step, tokens])).toEqual([
    [13, 78],
    [14, 84],
  ]);
});

test('an abort between two steps saves what the last checkpoint lacks; one before the first step saves nothing', async () => {
  const store = memoryStore();
  const done = await steps({ ...basics(), checkpoints: { every: 2, store } }, 3);
  expect(done).toHaveLength(3);
  expect(store.saved.map(({ state }) => JSON.parse(state).step)).toEqual([2, 3]);
  const early = memoryStore();
  const signal = AbortSignal.abort();
  expect(await steps({ ...basics(), signal, checkpoints: { every: 2, store: early } })).toEqual([]);
  expect(early.saved).toEqual([]);
});

test('an abort cuts a validation short, and the step counts', async () => {
  const stop = new AbortController();
  const batches = [...evaluationBatches(text, { rowLength: 3, batchSize: 2 })];
  function* endless() {
    for (let i = 0; ; i++) {
      if (i === 5) stop.abort();
      yield batches[0]!;
    }
  }
  const store = memoryStore();
  const options = {
    ...basics(),
    validation: { every: 2, batches: endless() },
    checkpoints: { every: 100, store },
  };
  const done = await steps({ ...options, signal: stop.signal });
  expect(done.map(({ step }) => step)).toEqual([1, 2]);
  expect(done[1]).not.toHaveProperty('validationLoss');
  expect(store.saved).toHaveLength(1);
});

test('a checkpoint never comes before its step was reported', async () => {
  const store = memoryStore();
  const seen: string[] = [];
  const save = async (checkpoint: Parameters<typeof store.save>[0]) => {
    seen.push(`saved ${checkpoint.state.step}`);
    await store.save(checkpoint);
  };
  for await (const { step } of train({ ...basics(), checkpoints: { every: 2, store: { ...store, save } } })) {
    if (step <= 4) seen.push(`step ${step}`);
    if (step === 5) break;
  }
  expect(seen).toEqual(['step 1', 'step 2', 'saved 2', 'step 3', 'step 4', 'saved 4']);
});

test('an abort from outside is heard, also on a device that never waits', async () => {
  const schedule = { ...SCHEDULE, steps: 20_000 };
  const done = await steps({ ...basics(), schedule, signal: AbortSignal.timeout(60) });
  expect(done.length).toBeGreaterThan(0);
  expect(done.length).toBeLessThan(20_000);
});

test('a weight that is damaged stops the run: step and place are named, no damaged checkpoint is written', async () => {
  const { model, ...rest } = basics();
  const store = memoryStore();
  const run = async () => {
    for await (const { step } of train({ model, ...rest, checkpoints: { every: 2, store } })) {
      if (step === 3) write(model.norm, [1, 1, Number.NaN, 1, 1]);
    }
  };
  const error = await run().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NonFiniteError);
  expect((error as Error).message).toContain(
    'step 4: the loss is NaN; the first that are not finite are the weight norm',
  );
  expect(store.saved.map(({ state }) => JSON.parse(state).step)).toEqual([2]);
});

test('a learning rate that is far too large stops the run before a damaged checkpoint', async () => {
  const store = memoryStore();
  const schedule = { ...SCHEDULE, kind: 'constant', warmupSteps: 0, peak: 1e308 } as const;
  const run = steps({ ...basics(), schedule, clipNorm: 0, checkpoints: { every: 1, store } });
  await expect(run).rejects.toThrow(NonFiniteError);
  for (const { weights } of store.saved) {
    const text = new TextDecoder('latin1').decode(weights);
    const data = text.length - (text.length % 8);
    const numbers = new Float64Array(weights.slice(weights.length - data).buffer);
    expect([...numbers.slice(-75)].every((value) => Number.isFinite(value))).toBe(true);
  }
});

test('a token outside the vocabulary is named and moves nothing', async () => {
  const { model, schedule } = basics();
  const before = await model.arena.values.data();
  const good = countingBatches();
  const batches = { ...good, next: () => ({ ...good.next(), tokens: Int32Array.of(1, 2, 3, 4, 5, 99) }) };
  await expect(steps({ model, schedule, batches })).rejects.toThrow(
    'step 1: the loss is NaN; the first that are not finite are the values at the embedding',
  );
  expect(await model.arena.values.data()).toEqual(before);
});

test('a store that fails stops the run with its error; what it had stays', async () => {
  const store = memoryStore();
  const full = {
    latest: store.latest,
    save: async (checkpoint: Parameters<typeof store.save>[0]) => {
      if (checkpoint.state.step > 4) throw new Error('the disk is full');
      return store.save(checkpoint);
    },
  };
  await expect(steps({ ...basics(), checkpoints: { every: 4, store: full } })).rejects.toThrow(
    'the disk is full',
  );
  const rest = await steps({ ...basics(), checkpoints: { every: 4, store }, resume: true });
  const uninterrupted = await steps(basics());
  expect(losses(rest)).toEqual(losses(uninterrupted).slice(4));
});

test('a resume without a checkpoint, or on other data, is refused', async () => {
  const store = memoryStore();
  await expect(steps({ ...basics(), resume: true })).rejects.toThrow('there is no checkpoint to go on from');
  await expect(steps({ ...basics(), resume: true, checkpoints: { every: 1, store } })).rejects.toThrow(
    ValueError,
  );
  await steps({ ...basics(), checkpoints: { every: 100, store } }, 2);
  const other = { ...basics(), batches: countingBatches({ fingerprint: 'other' }) };
  await expect(steps({ ...other, resume: true, checkpoints: { every: 1, store } })).rejects.toThrow(
    '[resume] memory 2 was trained on data counting, this is other; give the same files',
  );
});

test('each sparsity of the staircase is set once and captured once', async () => {
  const { model, ...rest } = basics();
  const done = await steps({ model, ...rest, sparsity: { target: 0.5, warmupSteps: 8, levels: 2 } });
  expect(model.levels).toEqual([0, 0.25, 0.5]);
  expect(done.map(({ sparsity }) => sparsity)).toEqual([
    0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.5,
  ]);
});

test.each(['the end', 'a break', 'an error'])('all memory is given back at %s', async (how) => {
  const device = how === 'an error' ? referenceDevice() : nullDevice();
  const model = bigram(device);
  const before = device.memory().count;
  const run = async () => {
    for await (const { step } of train({ ...basics(), model })) {
      if (step === 3 && how === 'a break') break;
      if (step === 3 && how === 'an error')
        write(model.head, new Float64Array(model.head.size).fill(Number.NaN));
    }
  };
  await run().catch((error: unknown) => expect(error).toBeInstanceOf(NonFiniteError));
  expect(device.memory()).toMatchObject({ count: before, programs: 0 });
});

test.each<[string, Partial<TrainOptions>, string]>([
  ['accumulation', { accumulation: 0 }, 'accumulation must be a whole number of at least 1, got 0'],
  ['clipNorm', { clipNorm: -1 }, 'clipNorm must be 0 (off) or more, got -1'],
  ['schedule', { schedule: { ...SCHEDULE, steps: 0 } }, 'steps must be a whole number of at least 1'],
  [
    'sparsity',
    { sparsity: { target: 1, warmupSteps: 0 } },
    'the target sparsity must be at least 0 and below 1',
  ],
  [
    'validation',
    { validation: { every: 0, batches: [] } },
    'validation.every must be a whole number of at least 1',
  ],
  ['checkpoints', { checkpoints: { every: 1.5, store: memoryStore() } }, 'checkpoints.every must be'],
  ['optimizer', { optimizer: { beta2: 1 } }, 'beta2 must be at least 0 and below 1'],
])('a wrong %s is refused before the first step', async (_, wrong, message) => {
  await expect(train({ ...basics(), ...wrong }).next()).rejects.toThrow(ValueError);
  await expect(train({ ...basics(), ...wrong }).next()).rejects.toThrow(message);
});

test('a model without a sparsity to set is refused one', async () => {
  const { setSparsity: _, ...model } = bigram(referenceDevice());
  const options = { ...basics(), model, sparsity: { target: 0.5, warmupSteps: 0 } };
  await expect(train(options).next()).rejects.toThrow('this model has no setSparsity; leave it out');
});

test('micro-batches of uneven targets count by how many they have: the loss and update of one batch', async () => {
  const whole = bigram(referenceDevice());
  const parts = bigram(referenceDevice());
  // One batch that holds the rows of two.
  const inner = unevenBatches();
  const joined = {
    ...inner,
    next() {
      const [a, b] = [inner.next(), inner.next()];
      const both = (key: 'tokens' | 'targets') => Int32Array.from([...a[key], ...b[key]]);
      return { tokens: both('tokens'), targets: both('targets'), shape: [4, 6] as const };
    },
  };
  const one = await steps({ ...basics(), model: whole, batches: joined });
  const two = await steps({ ...basics(), model: parts, batches: unevenBatches(), accumulation: 2 });
  two.forEach(({ loss, gradientNorm }, i) => {
    expect(loss).toBeCloseTo(one[i]!.loss, 6);
    expect(gradientNorm).toBeCloseTo(one[i]!.gradientNorm, 6);
  });
});

test('moments of an earlier run go on, with the bias correction that they have reached, and so does their resume', async () => {
  const earlier = memoryStore();
  const first = basics();
  await steps({ ...first, checkpoints: { every: 100, store: earlier } });
  const stored = (await earlier.latest())!;
  const weights = await first.model.arena.values.data();
  const next = () => {
    const model = bigram(referenceDevice());
    write(model.arena.values, weights);
    return { ...basics(), model, moments: { store: stored.moments, updates: 12 } };
  };
  const uninterrupted = await steps(next());
  const fresh = await steps({ ...next(), moments: undefined });
  expect(uninterrupted[0]!.loss).toBe(fresh[0]!.loss);
  expect(uninterrupted[1]!.loss).not.toBe(fresh[1]!.loss);
  const store = memoryStore();
  const checkpoints = { every: 100, store };
  const stopped = await steps({ ...next(), checkpoints }, 5);
  expect(JSON.parse(store.saved[0]!.state)).toMatchObject({ step: 5, earlierUpdates: 12 });
  const rest = await steps({ ...basics(), checkpoints, resume: true });
  expect(exact([...stopped, ...rest])).toEqual(exact(uninterrupted));
});

test('a run without changes of the rate goes on as one run would', async () => {
  // A constant rate and the same data: two runs of 6 steps are one of 12.
  const schedule = { ...SCHEDULE, kind: 'constant', warmupSteps: 0 } as const;
  const batches = countingBatches();
  const whole = await steps({ ...basics(), schedule });
  const store = memoryStore();
  const { model } = basics();
  const half = { model, batches, schedule: { ...schedule, steps: 6 } };
  const begun = await steps({ ...half, checkpoints: { every: 6, store } });
  const moments = { store: (await store.latest())!.moments, updates: 6 };
  const ended = await steps({ ...half, moments });
  expect(losses([...begun, ...ended])).toEqual(losses(whole));
});

/** The CPU device under a whole decoder: what must hold beyond single ops. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Device, noGrad, scope, tensor, write } from '@qsparse/core';
import { createCache, type Decoder, type LinearConfig, logits } from '@qsparse/layers';
import {
  createAdamW,
  type TrainOptions,
  type TrainStep,
  textBatches,
  train,
  trainStep,
} from '@qsparse/training';
import { folderStore } from '@qsparse/training/node';
import { device, generate, trainableDecoder } from 'qsparse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TINY, tinyDecoder } from './tiny-decoder.ts';

const tokens = Uint16Array.from({ length: 75 }, (_, i) => (i * i + 5 * i) % TINY.vocabularySize);
const schedule = { kind: 'cosine', steps: 8, warmupSteps: 2, peak: 0.01, weightDecay: 0.1 } as const;
const DENSE: Partial<LinearConfig> = { sparsity: { kind: 'dense' }, weights: 'full', activations: 'full' };

describe.each([1, 2])('%d threads', (threads) => {
  let cpu: Device;
  let root: string;
  beforeAll(async () => {
    cpu = await device('cpu', { threads });
    root = mkdtempSync(join(tmpdir(), 'cpu-'));
  });
  afterAll(() => {
    cpu.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  async function steps(options: Partial<TrainOptions>, stopAfter = 99): Promise<TrainStep[]> {
    const stop = new AbortController();
    const done: TrainStep[] = [];
    const decoder = tinyDecoder(cpu);
    const batches = textBatches(tokens, { batchSize: 2, rowLength: 8, seed: 1 });
    const model = trainableDecoder(decoder);
    for await (const step of train({ model, batches, schedule, signal: stop.signal, ...options })) {
      done.push(step);
      if (step.step === stopAfter) stop.abort();
    }
    decoder.dispose();
    return done;
  }

  test('a resumed run has the losses of one that was not stopped, bit for bit', async () => {
    const options = { accumulation: 2, sparsity: { target: 0.5, warmupSteps: 6, levels: 3 } };
    const before = cpu.memory().count;
    const uninterrupted = await steps(options);
    const checkpoints = { every: 100, store: folderStore(root) };
    const first = await steps({ ...options, checkpoints }, 3);
    const second = await steps({ ...options, checkpoints, resume: true }, 5);
    const rest = await steps({ ...options, checkpoints, resume: true });
    const seen = (done: readonly TrainStep[]) => done.map(({ loss, gradientNorm }) => [loss, gradientNorm]);
    expect(seen([...first, ...second, ...rest])).toEqual(seen(uninterrupted));
    expect(cpu.memory()).toMatchObject({ count: before, programs: 0 });
  });

  test('a replayed step has the bits of an eager one', async () => {
    const [replayed, eager] = [tinyDecoder(cpu), tinyDecoder(cpu)];
    const run = (decoder: Decoder) => {
      const optimizer = createAdamW(decoder.arena);
      const make = () => trainStep(trainableDecoder(decoder), optimizer, 2);
      const hyper = optimizer.hyper({ learningRate: 0.01, weightDecay: 0.1, step: 0, clipNorm: 1 });
      return { make, hyper };
    };
    const [a, b] = [run(replayed), run(eager)];
    const step = a.make();
    const batches = textBatches(tokens, { batchSize: 4, rowLength: 8, seed: 1 });
    for (let i = 0; i < 5; i++) {
      const { tokens: rows, targets, shape } = batches.next();
      const inputs = {
        tokens: tensor(cpu, rows, shape, 'i32'),
        targets: tensor(cpu, targets, shape, 'i32'),
        hyper: tensor(cpu, a.hyper, [8]),
      };
      const once = b.make();
      expect(await step(inputs).loss.item()).toBe(await once(inputs).loss.item());
      once.dispose();
      for (const input of Object.values(inputs)) input.dispose();
    }
    expect(step.program?.launches).toBeGreaterThan(50);
    expect(await replayed.arena.values.data()).toEqual(await eager.arena.values.data());
    step.dispose();
    for (const decoder of [replayed, eager]) decoder.dispose();
  });

  test('nothing grows over 1,000 steps', async () => {
    const memory = new Set<string>();
    const decoder = tinyDecoder(cpu);
    const batches = textBatches(tokens, { batchSize: 2, rowLength: 8, seed: 1 });
    const long = { ...schedule, steps: 1003 };
    for await (const { step } of train({ model: trainableDecoder(decoder), batches, schedule: long }))
      if (step > 3) memory.add(JSON.stringify(cpu.memory()));
    expect(memory.size).toBe(1);
    decoder.dispose();
  });

  test.each<[string, Partial<LinearConfig>]>([
    ['dense', DENSE],
    ['ternary top-K', {}],
  ])('%s: token by token with the cache gives the logits of all at once', async (name, linear) => {
    const decoder = tinyDecoder(cpu, linear);
    const errors: number[] = [];
    for (let row = 0; row < 6; row++) {
      const ids = Int32Array.from({ length: 8 }, (_, i) => (3 * i * i + 7 * row + i) % TINY.vocabularySize);
      const whole = await noGrad(() => scope(() => logits(decoder, tensor(cpu, ids, [1, 8], 'i32')))).data();
      const cache = createCache(decoder, 1);
      for (const [i, id] of ids.entries()) {
        write(cache.position, [i]);
        const one = noGrad(() => scope(() => logits(decoder, tensor(cpu, [id], [1, 1], 'i32'), { cache })));
        const expected = whole.subarray(i * TINY.vocabularySize, (i + 1) * TINY.vocabularySize);
        errors.push(distance(await one.data(), expected));
        one.dispose();
      }
      cache.dispose();
    }
    errors.sort((a, b) => a - b);
    // Sums are taken in another order, so a rounding near a tie may fall the other way: rarely, and never far.
    expect(errors[errors.length >> 1]).toBeLessThan(1e-4);
    expect(errors.at(-1)).toBeLessThan(name === 'dense' ? 1e-4 : 5e-2);
    decoder.dispose();
  });

  test('the same seed gives the same text', async () => {
    const decoder = tinyDecoder(cpu);
    const codec = {
      encode: () => [1, 2],
      decoder: () => ({ push: (id: number) => `${id} `, flush: () => '' }),
    };
    const text = async () => {
      let all = '';
      for await (const piece of generate(decoder, codec, 'x', { maxTokens: 30, seed: 5 })) all += piece;
      return all;
    };
    const first = await text();
    expect(await text()).toBe(first);
    expect(first.split(' ').length).toBe(31);
    decoder.dispose();
  });
});

/** ‖a − b‖ / ‖b‖ */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [apart, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(apart / size);
}

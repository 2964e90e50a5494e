/**
 * What the page can do, without a page: open a device, train with an autosave, write. The same object runs here or in a
 * worker. A device that is lost on the way is opened again, and training goes on from the autosave.
 */
import { DeviceLostError, type WebGpuDevice } from '@qsparse/backend-webgpu';
import { type Device, tensor, write } from '@qsparse/core';
import { toFloats } from '@qsparse/formats';
import { createDecoder, type Decoder, type DecoderConfig, initialize } from '@qsparse/layers';
import { createAdamW, textBatches, train, trainStep } from '@qsparse/training';
import { generate, trainableDecoder } from 'qsparse';
import type { Autosave } from './autosave.ts';
import { type Corpus, PEAK_LEARNING_RATE } from './model.ts';

export type Choice = 'auto' | 'webgpu' | 'cpu';

export type OpenEvent =
  | { readonly kind: 'compiling'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'ready';
      readonly device: string;
      readonly parameters: number;
      /** Steps of the autosave; 0 without one. */
      readonly saved: number;
    };

export type TrainEvent =
  | { readonly kind: 'step'; readonly step: number; readonly loss: number; readonly tokensPerSecond: number }
  | { readonly kind: 'lost'; readonly message: string };

export interface Session {
  /** Opens the device and compiles its kernels. */
  open(choice: Choice): AsyncIterable<OpenEvent>;
  /** Goes on from the autosave up to `steps`. */
  train(steps: number): AsyncIterable<TrainEvent>;
  /** Ends training after the step that runs, with everything saved. */
  stop(): Promise<void>;
  /** Forgets the autosave and what was learned. */
  forget(): Promise<void>;
  generate(prompt: string, maxTokens: number, seed: number): AsyncIterable<string>;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly openDevice: (choice: Choice) => Promise<Device>;
  readonly corpus: () => Promise<Corpus>;
  readonly config: Omit<DecoderConfig, 'vocabularySize'>;
  readonly store: Autosave;
  /** Steps between two autosaves. Default 25. */
  readonly saveEvery?: number;
}

/** So often in a row, without a step in between, a lost device is opened again. */
const MOST_LOSSES = 3;
const SEED = 1;

export function createSession({
  openDevice,
  corpus,
  config,
  store,
  saveEvery = 25,
}: SessionOptions): Session {
  let choice: Choice = 'auto';
  let device: Device | undefined;
  let model: Decoder | undefined;
  let data: Corpus | undefined;
  let stopping: AbortController | undefined;

  const close = (): void => {
    model?.dispose();
    device?.dispose();
    [model, device] = [undefined, undefined];
  };
  const reopen = async (): Promise<{ device: Device; model: Decoder; data: Corpus }> => {
    close();
    // A GPU opens beside the work of this thread.
    const [given, found] = await Promise.allSettled([data ?? corpus(), openDevice(choice)]);
    if (found.status === 'rejected') throw found.reason;
    device = found.value;
    if (given.status === 'rejected') throw given.reason;
    data = given.value;
    model = createDecoder(device, { ...config, vocabularySize: data.tokenizer.vocabularySize });
    initialize(model, SEED);
    return { device, model, data };
  };
  const opened = async () => (device && model && data ? { device, model, data } : await reopen());
  /** Rows of a step: a software GPU takes seconds for what a GPU does in milliseconds. */
  const batchSize = (): number => ((device as Partial<WebGpuDevice>).software ? 1 : 4);

  return {
    async *open(wanted) {
      choice = wanted;
      const { device: on, model: made } = await reopen();
      yield* compile(on, made, batchSize());
      const stored = await store.latest();
      if (stored) {
        for (const [name, param] of made.arena.params)
          write(param, toFloats(await stored.weights.read(name)));
        await stored.close();
      }
      const { description } = on;
      const parameters = made.arena.values.size;
      yield { kind: 'ready', device: description, parameters, saved: stored?.state.step ?? 0 };
    },

    async *train(steps) {
      stopping = new AbortController();
      let losses = 0;
      while (losses < MOST_LOSSES) {
        const { model: trained, data: given } = await opened();
        const stored = await store.latest();
        await stored?.close();
        const run = train({
          model: trainableDecoder(trained),
          batches: textBatches(given.tokens, {
            batchSize: batchSize(),
            rowLength: config.contextLength,
            seed: SEED,
          }),
          schedule: {
            kind: 'cosine',
            steps,
            warmupSteps: Math.min(50, steps),
            peak: PEAK_LEARNING_RATE,
            weightDecay: 0.1,
          },
          checkpoints: { every: saveEvery, store },
          resume: stored !== undefined,
          signal: stopping.signal,
        });
        try {
          for await (const { step, loss, tokensPerSecond } of run) {
            losses = 0;
            yield { kind: 'step', step, loss, tokensPerSecond };
          }
          return;
        } catch (error) {
          if (!(error instanceof DeviceLostError) || ++losses === MOST_LOSSES) throw error;
          yield { kind: 'lost', message: error.message };
          await reopen();
        }
      }
    },

    async stop() {
      stopping?.abort();
    },

    async forget() {
      await store.clear();
      if (model) initialize(model, SEED);
    },

    async *generate(prompt, maxTokens, seed) {
      const { model: writer, data: given } = await opened();
      yield* generate(writer, given.tokenizer, prompt, { maxTokens, seed, temperature: 0.8, topK: 40 });
    },

    async close() {
      stopping?.abort();
      close();
    },
  };
}

/** Compiles, where the device can do so ahead, what a step launches. */
async function* compile(device: Device, model: Decoder, rows: number): AsyncGenerator<OpenEvent, void, void> {
  const gpu = device as Partial<WebGpuDevice>;
  if (!gpu.warmup) return;
  const trainable = trainableDecoder(model);
  const optimizer = createAdamW(model.arena);
  const shape = [rows, model.config.contextLength];
  const zeros = new Int32Array(shape[0]! * shape[1]!);
  const inputs = {
    tokens: tensor(device, zeros, shape, 'i32'),
    targets: tensor(device, zeros, shape, 'i32'),
    hyper: tensor(device, new Float32Array(8)),
  };
  const step = trainStep(trainable, optimizer);
  const events: OpenEvent[] = [];
  let wake = (): void => {};
  const compiled = gpu
    .warmup(
      () => step(inputs),
      ({ done, total }) => {
        events.push({ kind: 'compiling', done, total });
        wake();
      },
    )
    .then(
      () => true,
      (error: unknown) => {
        events.length = 0;
        throw error;
      },
    );
  try {
    let finished = false;
    while (!finished) {
      const progress = new Promise<boolean>((resolve) => {
        wake = () => resolve(false);
      });
      finished = await Promise.race([compiled, progress]);
      const newest = events.splice(0).at(-1);
      if (newest) yield newest;
    }
  } finally {
    step.dispose();
    optimizer.dispose();
    for (const input of Object.values(inputs)) input.dispose();
  }
}

/** Scores with a model in this process. Logits stay on the device: what comes back is three numbers a token. */
import {
  broadcast,
  cast,
  copySection,
  createPauses,
  crossEntropyOp,
  embedding,
  matmul,
  max,
  noGrad,
  reshape,
  run,
  scope,
  type Tensor,
  tensor,
} from '@qsparse/core';
import {
  createCache,
  type Decoder,
  headLogits,
  hiddenStates,
  type KeyValueCache,
  type Observe,
} from '@qsparse/layers';
import { type Batch, batchesOf, type Pick } from './batches.ts';
import type { Scorer } from './scorer.ts';
import { createSparsityMeter } from './sparsity-meter.ts';

export interface LocalScorerOptions {
  /** Tokens that are computed at once; default 2048. */
  readonly batchTokens?: number | undefined;
  /** Tokens whose zeros are counted between two `takeSparsity`; default 2048, 0 is off. */
  readonly sparsityTokens?: number | undefined;
  /** A context is read once for all its continuations where that saves so many tokens; default 1024. */
  readonly sharedTokens?: number | undefined;
}

const MAX_ROWS = 64;
/** Numbers of one piece of the logits: 64 MiB. */
const LOGITS = 2 ** 24;
/** Lengths are rounded up to it, so that a device meets few shapes. */
const LENGTH_STEP = 16;

/** The model stays its owner's. */
export function localScorer(
  model: Decoder,
  { batchTokens = 2048, sparsityTokens = 2048, sharedTokens = 1024 }: LocalScorerOptions = {},
): Scorer {
  const meter = createSparsityMeter(model, sparsityTokens);
  const { contextLength } = model.config;
  const pause = createPauses();
  return {
    contextLength,
    takeSparsity: meter.take,
    dispose: () => {},
    async score(requests, { signal, onProgress } = {}) {
      const logprobs = new Float64Array(requests.length);
      const greedy = requests.map(() => true);
      let done = 0;
      for (const batch of batchesOf(requests, {
        tokens: batchTokens,
        rows: MAX_ROWS,
        shared: sharedTokens,
      })) {
        signal?.throwIfAborted();
        const parts = scoreBatch(model, batch, meter.observerOf(batch.rows));
        for (const { picks, values } of parts) {
          const [targets, sums, largest] = await values;
          for (const [i, { request }] of picks.entries()) {
            logprobs[request]! += targets[i]! - sums[i]!;
            greedy[request] &&= targets[i]! >= largest[i]!;
          }
        }
        await meter.settle();
        await pause();
        done += batch.rows.reduce((sum, row) => sum + row.requests, 0);
        onProgress?.(done);
      }
      return requests.map((_, i) => ({ logprob: logprobs[i]!, isGreedy: greedy[i]! }));
    },
  };
}

interface Part {
  readonly picks: readonly Pick[];
  /** By pick: logit of the target, log Σ exp of all logits, the largest logit. */
  readonly values: Promise<readonly [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>]>;
}

/** The forward passes of a batch; every read is queued before it returns. */
function scoreBatch(model: Decoder, { prefix, rows }: Batch, observe: Observe | undefined): readonly Part[] {
  const { device, config } = model;
  const longest = rows[0]!.tokens.length;
  const room = config.contextLength - prefix.length;
  const length = Math.min(Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP, room);
  const tokens = new Int32Array(rows.length * length);
  for (const [i, row] of rows.entries()) tokens.set(row.tokens, i * length);
  const picks = rows.flatMap((row, i) =>
    row.picks.map((pick) => ({ ...pick, position: i * length + pick.position })),
  );
  const most = Math.max(1, Math.floor(LOGITS / config.vocabularySize));
  const cache = prefix.length > 0 ? cacheAfter(model, prefix, rows.length, length) : undefined;
  try {
    return noGrad(() =>
      scope(() => {
        const ids = tensor(device, tokens, [rows.length, length], 'i32');
        const hidden = hiddenStates(model, ids, { observe, cache });
        const states = reshape(hidden, [rows.length * length, config.hiddenSize]);
        const parts: Part[] = [];
        for (let from = 0; from < picks.length; from += most) {
          const some = picks.slice(from, from + most);
          parts.push({ picks: some, values: scope(() => ({ read: readPicks(model, states, some) })).read });
        }
        return { parts };
      }),
    ).parts;
  } finally {
    // What was enqueued runs before its memory is used again.
    cache?.dispose();
  }
}

/** Keys and values of the prefix, read once, for `count` sequences that go on with `length` tokens. */
function cacheAfter(model: Decoder, prefix: readonly number[], count: number, length: number): KeyValueCache {
  const alone = createCache(model, 1, prefix.length);
  const cache = createCache(model, count, prefix.length + length);
  alone.seek(0, prefix.length);
  noGrad(() =>
    scope(() => {
      hiddenStates(model, tensor(model.device, prefix, [1, prefix.length], 'i32'), { cache: alone });
      for (const [i, { keys, values }] of alone.layers.entries()) {
        const [, positions, heads, size] = keys.shape as [number, number, number, number];
        const repeated = (own: Tensor): Tensor =>
          broadcast(reshape(own, [positions, heads, size]), [count, positions, heads, size]);
        copySection(cache.layers[i]!.keys, repeated(keys), 1, 0);
        copySection(cache.layers[i]!.values, repeated(values), 1, 0);
      }
    }),
  );
  alone.dispose();
  cache.seek(prefix.length, length);
  return cache;
}

/** states [R, d] → of the picked rows the logit of the target, log Σ exp and the largest logit. */
function readPicks(model: Decoder, states: Tensor, picks: readonly Pick[]): Part['values'] {
  const { device, config } = model;
  const count = picks.length;
  const rows = tensor(
    device,
    Int32Array.from(picks, ({ position }) => position),
    [count],
    'i32',
  );
  // In f32 also where the blocks are bf16: sums of log probabilities of 8 bits would tell few choices apart.
  const picked = cast(embedding(states, rows), 'f32');
  const logits = model.packed?.vocabulary
    ? headLogits(model, picked)
    : matmul(picked, model.head, { transposeB: true }); // [count, V]
  const targets = tensor(
    device,
    Int32Array.from(picks, ({ target }) => target),
    [count],
    'i32',
  );
  const { logSumExp } = run(crossEntropyOp, { logits, targets }, null);
  const width = config.vocabularySize;
  const places = Int32Array.from(picks, ({ target }, i) => i * width + target);
  const ofTargets = embedding(reshape(logits, [count * width, 1]), tensor(device, places, [count], 'i32'));
  // All reads are queued before the first is waited for; then the scope may free the tensors.
  return Promise.all([ofTargets.data(), logSumExp.data(), max(logits, 'last').data()]);
}

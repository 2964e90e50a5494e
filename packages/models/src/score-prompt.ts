/**
 * Log probabilities of a text's own tokens, for evaluation: the text is read in chunks, and of the logits so many rows are
 * there at a time as fit a few megabytes.
 */
import { createPauses, NonFiniteError, noGrad, reshape, scope, slice, type Tensor } from '@qsparse/core';
import { createCache, type Decoder, finalStates, headLogits } from '@qsparse/layers';
import { checkPrompt, requireWhole } from './generate-options.ts';
import { type GeneratedToken, withLogprobs } from './logprobs.ts';
import { readTokens } from './prefill.ts';

export interface ScoreOptions {
  /** So many likeliest tokens beside each one of the text. Default 0. */
  readonly logprobs?: number | undefined;
  /** Tokens that are computed at once. Default 128. */
  readonly chunkLength?: number | undefined;
  /** Heard between two halves of a block. */
  readonly signal?: AbortSignal | undefined;
}

/** Logits that are read from the device at a time. */
const LOGITS = 2 ** 22;

/**
 * For each token of `ids` but the first, its log probability after those before it. Undefined after an abort. Throws
 * ValueError for an option out of range, an empty text or one that does not fit, NonFiniteError where the model gives no
 * distribution.
 */
export async function scorePrompt(
  model: Decoder,
  ids: ArrayLike<number>,
  { logprobs = 0, chunkLength = 128, signal }: ScoreOptions = {},
): Promise<readonly GeneratedToken[] | undefined> {
  requireWhole('logprobs', logprobs, 0, model.config.vocabularySize);
  requireWhole('chunkLength', chunkLength, 1);
  checkPrompt(ids, model);
  const text = Array.from(ids);
  const pause = createPauses();
  const isStopped = () => signal?.aborted ?? false;
  const scored: GeneratedToken[] = [];
  if (isStopped()) return undefined;
  if (text.length === 1) return scored;
  const cache = createCache(model, 1, text.length - 1, { longestCall: chunkLength });
  try {
    for (let from = 0; from < text.length - 1; from += chunkLength) {
      const end = Math.min(from + chunkLength, text.length - 1);
      cache.seek(from, end - from);
      const x = await readTokens(model, [text.slice(from, end)], { cache, pause, isStopped });
      if (!x) return undefined;
      try {
        scored.push(...(await scoreTokens(model, x, text.slice(from + 1, end + 1), logprobs)));
      } finally {
        x.dispose();
      }
    }
  } finally {
    cache.dispose();
  }
  return scored;
}

/** x [1, T, d] of the last block, and the T tokens that follow → those with their log probabilities. */
export async function scoreTokens(
  model: Decoder,
  x: Tensor,
  following: readonly number[],
  count: number,
): Promise<readonly GeneratedToken[]> {
  const { vocabularySize, hiddenSize } = model.config;
  const atOnce = Math.max(1, Math.floor(LOGITS / vocabularySize));
  const scored: GeneratedToken[] = [];
  for (let from = 0; from < following.length; from += atOnce) {
    const some = following.slice(from, from + atOnce);
    const logits = noGrad(() =>
      scope(() => {
        const part = reshape(slice(x, 1, from, some.length), [some.length, hiddenSize]);
        return headLogits(model, finalStates(model, part));
      }),
    );
    try {
      const scores = (await logits.data()) as Float32Array;
      for (const [i, token] of some.entries()) {
        const own = scores.subarray(i * vocabularySize, (i + 1) * vocabularySize);
        scored.push(requireProbability(withLogprobs(own, token, count), from + i));
      }
    } finally {
      logits.dispose();
    }
  }
  return scored;
}

function requireProbability(scored: GeneratedToken, place: number): GeneratedToken {
  if (!Number.isNaN(scored.logprob)) return scored;
  throw new NonFiniteError(
    'scorePrompt',
    `the model gives no probabilities after token ${place} of a chunk: its logits are not finite`,
    'its weights are damaged; take an earlier checkpoint',
  );
}

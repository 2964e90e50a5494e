/**
 * Many tokens into the cache, in chunks of bounded memory and half a block at a time: between two halves the event loop
 * gets its turn and an abort is heard. Not captured: every length would be a program of its own.
 */
import { type Device, noGrad, reshape, scope, slice, type Tensor, tensor } from '@qsparse/core';
import {
  type Decoder,
  decoderSteps,
  embedTokens,
  finalStates,
  headLogits,
  type KeyValueCache,
} from '@qsparse/layers';

export interface ReadOptions {
  readonly cache: KeyValueCache;
  /** Tokens of a text that are computed at once. */
  readonly chunkLength: number;
  readonly pause: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Computes `texts`, B of one length, from position `start` on → logits [B, V] of the token after the last, owned by the
 * caller. Undefined after an abort; the cache then holds a part.
 */
export async function readTexts(
  model: Decoder,
  texts: readonly (readonly number[])[],
  start: number,
  { cache, chunkLength, pause, signal }: ReadOptions,
): Promise<Tensor | undefined> {
  const { length } = texts[0]!;
  for (let from = 0; ; from += chunkLength) {
    const chunk = texts.map((text) => text.slice(from, from + chunkLength));
    cache.seek(start + from, chunk[0]!.length);
    const isStopped = () => signal?.aborted ?? false;
    const x = await readTokens(model, chunk, { cache, pause, isStopped });
    if (!x) return undefined;
    try {
      if (from + chunkLength >= length) return noGrad(() => scope(() => lastLogits(model, x)));
      // A queue that holds the whole prompt could not be stopped.
      await cache.position.data();
    } finally {
      x.dispose();
    }
  }
}

/**
 * Computes `texts`, B of one length, from where `cache` is → x [B, T, d] of the last block, owned by the caller. Undefined
 * where `isStopped` says so between two halves of a block.
 */
export async function readTokens(
  model: Decoder,
  texts: readonly (readonly number[])[],
  {
    cache,
    pause,
    isStopped,
  }: Pick<ReadOptions, 'cache' | 'pause'> & { readonly isStopped?: (() => boolean) | undefined },
): Promise<Tensor | undefined> {
  let x = noGrad(() => scope(() => embedTokens(model, tokenRows(model.device, texts))));
  try {
    for (const step of decoderSteps(model, { cache })) {
      await pause();
      if (isStopped?.()) {
        x.dispose();
        return undefined;
      }
      const next = noGrad(() => step(x));
      x.dispose();
      x = next;
    }
    return x;
  } catch (error) {
    x.dispose();
    throw error;
  }
}

/** Texts of one length → i32 [B, T]. */
export function tokenRows(device: Device, texts: readonly (readonly number[])[]): Tensor {
  return tensor(device, texts.flat(), [texts.length, texts[0]!.length], 'i32');
}

/** x [B, T, d] of the last block → logits [B, V] of the token after the last. */
export function lastLogits(model: Decoder, x: Tensor): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const last = length === 1 ? x : slice(x, 1, length - 1, 1);
  return headLogits(model, reshape(finalStates(model, last), [batch, width]));
}

/**
 * The device's part of the engine: one cache with a place for each of B texts, a captured step that computes one token of
 * every text at a position of its own, and chunks of single texts. It knows places and tokens, not requests.
 */
import {
  capture,
  fillWith,
  keep,
  noGrad,
  randomState,
  scope,
  slice,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { createCache, type Decoder, decoderSteps, embedTokens } from '@qsparse/layers';
import type { GenerateSettings } from './generate-options.ts';
import { type GeneratedToken, withLogprobs } from './logprobs.ts';
import type { Row } from './next-tokens.ts';
import { lastLogits, readTokens, tokenRows } from './prefill.ts';
import { STREAM } from './sampling.ts';
import { scoreTokens } from './score-prompt.ts';
import { watchSteps } from './slow-steps.ts';

/** A text in its place. */
export interface SlotRow extends Row {
  readonly settings: GenerateSettings;
  /** Tokens of the text that are in the cache. */
  read: number;
}

export interface ReadChunk {
  readonly slot: number;
  readonly row: SlotRow;
  readonly length: number;
  /** Whether the log probabilities of the tokens after those read are wanted. */
  readonly scores: boolean;
  readonly isStopped: () => boolean;
}

export interface Slots {
  /** The next `length` tokens of a text go into the cache. Undefined where it was stopped. */
  read(chunk: ReadChunk): Promise<readonly GeneratedToken[] | undefined>;
  /**
   * The next token of each of `writing`, texts with one token that is not in the cache; all others, by slot as they are,
   * stay so and must have room for a token. An error in place of a token is that text's alone.
   */
  next(
    rows: readonly (SlotRow | undefined)[],
    writing: ReadonlySet<SlotRow>,
  ): Promise<ReadonlyMap<SlotRow, GeneratedToken | Error>>;
  /** Whether a text may go on after the first `length` tokens of what is in a place. */
  reaches(slot: number, length: number): boolean;
  /** Forgets what is in a place: a NaN there could reach the next text. */
  clear(slot: number): void;
  dispose(): void;
}

export interface SlotsOptions {
  readonly slots: number;
  readonly capacity: number;
  /** Tokens of a text that are computed at once at most. */
  readonly chunkLength: number;
  readonly pause: () => Promise<void>;
}

export function createSlots(model: Decoder, { slots, capacity, chunkLength, pause }: SlotsOptions): Slots {
  const { device } = model;
  const cache = createCache(model, slots, capacity, { positionPerRow: true, longestCall: chunkLength });
  const places = Array.from({ length: slots }, (_, slot) => cache.row(slot));
  const inputs = { tokens: keep(tokenRows(device, new Array(slots).fill([0]))) };
  const randoms = places.map(() => keep(tensor(device, randomState(0, STREAM, 0), [4], 'i32')));
  const step = capture(({ tokens }: typeof inputs) =>
    noGrad(() => {
      const steps = decoderSteps(model, { cache });
      return lastLogits(
        model,
        steps.reduce((x, one) => one(x), embedTokens(model, tokens)),
      );
    }),
  );

  const pace = watchSteps(device);
  /** Logits [B, V] of one token of each text, and how to give them back. */
  const oneEach = async (tokens: readonly number[]): Promise<{ logits: Tensor; release(): void }> => {
    if (!pace.areSlow) {
      write(inputs.tokens, tokens);
      return { logits: pace.watch(() => step(inputs)), release: () => {} };
    }
    const texts = tokens.map((token) => [token]);
    const x = (await readTokens(model, texts, { cache, pause }))!;
    const logits = noGrad(() => scope(() => lastLogits(model, x)));
    x.dispose();
    return { logits, release: () => logits.dispose() };
  };

  /** Queues the work of a draw; what it returns waits for it. */
  const draw = (logits: Tensor, slot: number, row: SlotRow): (() => Promise<GeneratedToken>) => {
    const { settings, seed, drawn, text } = row;
    const { sampler, logprobs } = settings;
    const random = randoms[slot]!;
    const { own, token } = noGrad(() =>
      scope(() => {
        const own = slice(logits, 0, slot, 1);
        if (!sampler.onDevice) return { own, token: undefined };
        write(random, randomState(seed, STREAM, drawn));
        return { own, token: sampler.onDevice(own, random) };
      }),
    );
    const scores = !token || logprobs !== undefined ? own.data() : undefined;
    const chosen = token?.item();
    // Neither may be left unheard when the other one fails.
    const both = Promise.all([scores, chosen]);
    both.catch(() => {});
    return async () => {
      try {
        const [numbers, onDevice] = await both;
        const id = onDevice ?? sampler.onHost(numbers!, text, seed, drawn);
        return logprobs === undefined || id < 0 ? { token: id } : withLogprobs(numbers!, id, logprobs);
      } finally {
        own.dispose();
        token?.dispose();
      }
    };
  };

  return {
    async read({ slot, row, length, scores, isStopped }) {
      const place = places[slot]!;
      const { read, text } = row;
      place.seek(read, length);
      const x = await readTokens(model, [text.slice(read, read + length)], {
        cache: place,
        pause,
        isStopped,
      });
      if (!x) return undefined;
      try {
        // Waits either way: a queue that holds the whole prompt could not be stopped.
        if (scores) {
          const following = text.slice(read + 1, read + 1 + length);
          return await scoreTokens(model, x, following, row.settings.logprobs ?? 0);
        }
        await place.position.data();
        return [];
      } finally {
        row.read += length;
        x.dispose();
      }
    },
    async next(rows, writing) {
      // A place that is not written is given the token and position that come next in it, and writes them again then.
      const positions = rows.map((row) => row?.read ?? 0);
      cache.seek(positions, 1);
      const { logits, release } = await oneEach(rows.map((row, i) => row?.text[positions[i]!] ?? 0));
      try {
        const draws = rows.flatMap((row, slot) =>
          row && writing.has(row) ? [{ row, draw: draw(logits, slot, row) }] : [],
        );
        const drawn = new Map<SlotRow, GeneratedToken | Error>();
        for (const { row, draw: finish } of draws) {
          row.read++;
          drawn.set(row, await finish().catch(asError));
        }
        return drawn;
      } finally {
        release();
      }
    },
    reaches: (slot, length) => places[slot]!.reaches(length),
    clear(slot) {
      for (const { keys, values } of places[slot]!.layers) {
        fillWith(keys, 0);
        fillWith(values, 0);
      }
    },
    dispose() {
      step.dispose();
      for (const place of places) place.dispose();
      cache.dispose();
      for (const random of [...randoms, inputs.tokens]) random.dispose();
    },
  };
}

export const asError = (cause: unknown): Error =>
  cause instanceof Error ? cause : new Error(String(cause), { cause });

/**
 * The model with its cache: the token after each of B texts of one length. Single tokens go through one captured step
 * whose tokens and random numbers are inputs; what comes back is the drawn tokens alone, and logits only where they are
 * asked for.
 */
import {
  capture,
  keep,
  noGrad,
  randomState,
  reshape,
  scope,
  slice,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { createCache, type Decoder, decoderSteps, embedTokens } from '@qsparse/layers';
import { type GeneratedToken, withLogprobs } from './logprobs.ts';
import { lastLogits, type ReadOptions, readTexts, tokenRows } from './prefill.ts';
import { type Sampler, STREAM } from './sampling.ts';
import { watchSteps } from './slow-steps.ts';

/** One text that is being written. */
export interface Row {
  /** Tokens: the prompt, and what was made. */
  text: number[];
  readonly seed: number;
  /** Tokens drawn so far, which is the index of the next random numbers. */
  drawn: number;
}

export interface NextTokens {
  /**
   * Computes what lies from `start` to `end` in the text of each row, and draws the token at `end` for the rows that
   * `draws` names. Undefined after an abort.
   */
  next(start: number, end: number, draws: (row: Row) => boolean): Promise<Drawn | undefined>;
  dispose(): void;
}

/** By row; a negative token says that the model gives no probabilities. */
export type Drawn = ReadonlyMap<Row, GeneratedToken>;

export interface NextTokensOptions extends Omit<ReadOptions, 'cache'> {
  readonly sampler: Sampler;
  /** Tokens of a text that the cache has room for. */
  readonly capacity: number;
  readonly logprobs: number | undefined;
}

/** A step of the first row that was enqueued before its token was read. */
interface Ahead {
  /** Of the token that it computes, and the index of the one that it draws. */
  readonly start: number;
  readonly drawn: number;
  readonly outputs: Outputs;
  readonly token: Promise<number>;
}

interface Outputs {
  readonly logits: Tensor;
  /** i32 [1] a row; undefined where the host draws. */
  readonly tokens: readonly Tensor[] | undefined;
}

export function createNextTokens(
  model: Decoder,
  rows: readonly Row[],
  { sampler, capacity, logprobs, ...reading }: NextTokensOptions,
): NextTokens {
  const { device } = model;
  const { onDevice } = sampler;
  const cache = createCache(model, rows.length, capacity, { longestCall: reading.chunkLength });
  const one = rows.map(() => [0]);
  const inputs: Record<string, Tensor> = { tokens: keep(tokenRows(device, one)) };
  const randomOf = (i: number): string => `random${i}`;
  for (const [i, { seed }] of rows.entries())
    inputs[randomOf(i)] = keep(tensor(device, randomState(seed, STREAM, 0), [4], 'i32'));
  const draw = (logits: Tensor, from: typeof inputs): Outputs => ({
    logits,
    tokens:
      onDevice &&
      rows.map((_, i) => onDevice(rows.length > 1 ? slice(logits, 0, i, 1) : logits, from[randomOf(i)]!)),
  });
  const step = capture((given: typeof inputs) =>
    noGrad(() => {
      const steps = decoderSteps(model, { cache });
      const x = steps.reduce((state, one) => one(state), embedTokens(model, given.tokens!));
      return draw(lastLogits(model, x), given);
    }),
  );

  const readOutputs = async ({ logits, tokens }: Outputs, draws: (row: Row) => boolean): Promise<Drawn> => {
    // All reads are queued before the first is waited for.
    const reads = tokens?.map((token) => token.item());
    const wantsLogits = !reads || logprobs !== undefined;
    const scores = wantsLogits ? await logits.data() : undefined;
    const chosen = await Promise.all(reads ?? []);
    const width = logits.shape[1]!;
    const drawn = new Map<Row, GeneratedToken>();
    for (const [i, row] of rows.entries()) {
      if (!draws(row)) continue;
      const ofRow = scores?.subarray(i * width, (i + 1) * width);
      const token = chosen[i] ?? sampler.onHost(ofRow!, row.text, row.seed, row.drawn);
      drawn.set(row, logprobs === undefined || token < 0 ? { token } : withLogprobs(ofRow!, token, logprobs));
    }
    return drawn;
  };

  /**
   * On a device that works beside the host one text goes on before its last token has been read: that token is on the
   * device, and all else is known. A text that ends has computed one token too many.
   */
  const mayLookAhead = device.caps.queued === true && rows.length === 1 && onDevice && logprobs === undefined;
  let ahead: Ahead | undefined;
  const lookAhead = (start: number, { seed, drawn }: Row, tokens: readonly Tensor[] | undefined): void => {
    ahead = undefined;
    if (!mayLookAhead || !tokens || start >= capacity) return;
    write(inputs.random0!, randomState(seed, STREAM, drawn + 1));
    cache.seek(start, 1);
    const token = noGrad(() => keep(reshape(tokens[0]!, [1, 1])));
    const outputs = step({ ...inputs, tokens: token });
    token.dispose();
    const read = outputs.tokens![0]!.item();
    // Perhaps nobody waits for it.
    read.catch(() => undefined);
    ahead = { start, drawn: drawn + 1, outputs, token: read };
  };

  const pace = watchSteps(device);
  return {
    async next(start, end, draws) {
      const first = rows[0]!;
      const mine = ahead;
      ahead = undefined;
      if (mine && end - start === 1 && mine.start === start && mine.drawn === first.drawn && draws(first)) {
        lookAhead(end, first, mine.outputs.tokens);
        return new Map([[first, { token: await mine.token }]]);
      }
      for (const [i, { seed, drawn }] of rows.entries())
        write(inputs[randomOf(i)]!, randomState(seed, STREAM, drawn));
      const texts = rows.map(({ text }) => text.slice(start, end));
      if (end - start === 1 && !pace.areSlow) {
        write(inputs.tokens!, texts.flat());
        cache.seek(start, 1);
        const outputs = pace.watch(() => step(inputs));
        const read = readOutputs(outputs, draws);
        if (draws(rows[0]!)) lookAhead(end, rows[0]!, outputs.tokens);
        return read;
      }
      const logits = await readTexts(model, texts, start, { cache, ...reading });
      if (!logits) return undefined;
      const { tokens } = noGrad(() => scope(() => draw(logits, inputs)));
      try {
        return await readOutputs({ logits, tokens }, draws);
      } finally {
        for (const tensor of [logits, ...(tokens ?? [])]) tensor.dispose();
      }
    },
    dispose() {
      step.dispose();
      cache.dispose();
      for (const input of Object.values(inputs)) input.dispose();
    },
  };
}

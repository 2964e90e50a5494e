/** From logits to the next token: the likeliest, or one drawn from a distribution that temperature, top-k and top-p shape. */
import { sample, type Tensor, ValueError } from '@qsparse/core';

export interface SamplingOptions {
  /** 0 takes the most likely token; else logits are divided by it. Default 0.8. */
  readonly temperature?: number | undefined;
  /** Only the `topK` most likely tokens; 0 is off. Default 0. */
  readonly topK?: number | undefined;
  /** Only the smallest set of likeliest tokens whose probability reaches `topP`; 1 is off. Default 1. */
  readonly topP?: number | undefined;
  /** The same seed gives the same text on one device. Default 0. */
  readonly seed?: number | undefined;
}

/** logits [1, V] and `random` i32 [4] → the next token, i32 [1]; negative where there is no distribution. */
export type Choose = (logits: Tensor, random: Tensor) => Tensor;

/** Throws ValueError naming the option that is out of range. */
export function tokenChooser({
  temperature = 0.8,
  topK = 0,
  topP = 1,
}: Omit<SamplingOptions, 'seed'>): Choose {
  const require = (holds: boolean, what: string) => {
    if (!holds) throw new ValueError('generate', what);
  };
  require(temperature >= 0 &&
    Number.isFinite(temperature), `temperature must be 0 or more, got ${temperature}`);
  require(Number.isSafeInteger(topK) && topK >= 0, `topK must be 0 (off) or a count, got ${topK}`);
  require(topP > 0 && topP <= 1, `topP must be above 0 and at most 1, got ${topP}`);
  // One candidate is the likeliest token, the first of equals; argmax would also choose among logits that are NaN.
  const attrs = temperature === 0 ? { temperature: 1, topK: 1, topP: 1 } : { temperature, topK, topP };
  return (logits, random) => sample(logits, random, attrs);
}

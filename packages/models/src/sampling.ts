/**
 * From logits to the next token: the likeliest, or one drawn from a distribution that the options shape. The device draws
 * where its `sample` op has what is asked for; minP and a repetition penalty are computed here, from logits that are read.
 */
import { randomWord, sample, type Tensor, ValueError, wordToUniform } from '@qsparse/core';
import { likeliestFirst } from './ranks.ts';

export interface SamplingOptions {
  /** 0 takes the most likely token; else logits are divided by it. Default 0.8. */
  readonly temperature?: number | undefined;
  /** Only the `topK` most likely tokens; 0 is off. Default 0. */
  readonly topK?: number | undefined;
  /** Only the smallest set of likeliest tokens whose probability reaches `topP`; 1 is off. Default 1. */
  readonly topP?: number | undefined;
  /** Only tokens at least `minP` times as probable as the likeliest (arXiv 2407.01082); 0 is off. Default 0. */
  readonly minP?: number | undefined;
  /**
   * Positive logits of tokens that the text holds already are divided by it, negative ones multiplied (CTRL,
   * arXiv 1909.05858); 1 is off. Default 1.
   */
  readonly repetitionPenalty?: number | undefined;
  /** Newest tokens, the prompt's too, that the penalty is for; 0 is all that the model sees. Default 0. */
  readonly repetitionWindow?: number | undefined;
  /** The same seed gives the same text on one device. Default 0. */
  readonly seed?: number | undefined;
}

/** What draws one token. A negative token says that there is no distribution. */
export interface Sampler {
  /** logits [1, V] and `random` i32 [4] → i32 [1]; undefined where the host has to draw. */
  readonly onDevice: ((logits: Tensor, random: Tensor) => Tensor) | undefined;
  /** The token after `text`, from `logits` of the vocabulary, by random numbers of index `draw`. */
  onHost(logits: ArrayLike<number>, text: readonly number[], seed: number, draw: number): number;
}

/** Of the random numbers. */
export const STREAM = 0;

type Settings = Required<{ [K in Exclude<keyof SamplingOptions, 'seed'>]: number }>;

/** Throws ValueError naming the option that is out of range. */
export function createSampler({
  temperature = 0.8,
  topK = 0,
  topP = 1,
  minP = 0,
  repetitionPenalty = 1,
  repetitionWindow = 0,
}: Omit<SamplingOptions, 'seed'>): Sampler {
  const require = (holds: boolean, what: string) => {
    if (!holds) throw new ValueError('generate', what);
  };
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;
  require(temperature >= 0 &&
    Number.isFinite(temperature), `temperature must be 0 or more, got ${temperature}`);
  require(isCount(topK), `topK must be 0 (off) or a count, got ${topK}`);
  require(topP > 0 && topP <= 1, `topP must be above 0 and at most 1, got ${topP}`);
  require(minP >= 0 && minP <= 1, `minP must be from 0 (off) to 1, got ${minP}`);
  require(repetitionPenalty > 0 &&
    Number.isFinite(
      repetitionPenalty,
    ), `repetitionPenalty must be above 0 (1 is off), got ${repetitionPenalty}`);
  require(isCount(repetitionWindow), `repetitionWindow must be 0 (all) or a count, got ${repetitionWindow}`);
  // One candidate is the likeliest token, the first of equals; argmax would also choose among logits that are NaN.
  const attrs = temperature === 0 ? { temperature: 1, topK: 1, topP: 1 } : { temperature, topK, topP };
  const settings = { temperature, topK, topP, minP, repetitionPenalty, repetitionWindow };
  const deviceHasAll = repetitionPenalty === 1 && (minP === 0 || temperature === 0);
  return {
    onDevice: deviceHasAll ? (logits, random) => sample(logits, random, attrs) : undefined,
    onHost: (logits, text, seed, draw) =>
      // The number that the device takes: the first word of block `draw`.
      drawToken(logits, text, settings, wordToUniform(randomWord(seed, STREAM, 4 * draw))),
  };
}

/** One draw with a uniform number in [0, 1), in float64: what the `sample` op means, and more. */
function drawToken(
  logits: ArrayLike<number>,
  text: readonly number[],
  { temperature, topK, topP, minP, ...repetition }: Settings,
  uniform: number,
): number {
  const scores = Float64Array.from(logits);
  penalize(scores, text, repetition);
  const likeliest = indexOfLargest(scores);
  if (likeliest < 0 || temperature === 0) return likeliest;
  const largest = scores[likeliest]!;
  const weightOf = (token: number): number => Math.exp((scores[token]! - largest) / temperature);
  const tokenOf = likeliestFirst(scores);
  const count = topK > 0 ? Math.min(topK, scores.length) : scores.length;
  let mass = 0;
  for (let i = 0; i < count; i++) mass += weightOf(topK > 0 ? tokenOf(i) : i);
  const isLimited = topP < 1 || minP > 0;
  let end = isLimited ? 0 : count;
  let total = isLimited ? 0 : mass;
  while (isLimited && end < count && (topP === 1 || total < topP * mass)) {
    const weight = weightOf(tokenOf(end));
    if (end > 0 && weight < minP) break;
    total += weight;
    end++;
  }
  let reached = 0;
  for (let i = 0; i < end; i++) {
    reached += weightOf(tokenOf(i));
    if (reached > uniform * total) return tokenOf(i);
  }
  return tokenOf(end - 1);
}

/** Each token of the window once, however often it stands there. */
function penalize(
  scores: Float64Array,
  text: readonly number[],
  { repetitionPenalty, repetitionWindow }: Pick<Settings, 'repetitionPenalty' | 'repetitionWindow'>,
): void {
  if (repetitionPenalty === 1) return;
  // A window of 0 is the whole text: slice(-0).
  for (const token of new Set(text.slice(-repetitionWindow))) {
    const score = scores[token]!;
    scores[token] = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
  }
}

/** The first of equals; -1 where there is a NaN, +infinity, or nothing but -infinity. */
function indexOfLargest(scores: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  let index = -1;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (Number.isNaN(score) || score === Number.POSITIVE_INFINITY) return -1;
    if (score <= largest) continue;
    largest = score;
    index = i;
  }
  return index;
}

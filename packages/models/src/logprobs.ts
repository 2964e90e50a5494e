/** Log probabilities of tokens as the model gives them: before temperature, penalties and the rest. */

export interface TokenLogprob {
  readonly token: number;
  /** Natural logarithm of the probability. */
  readonly logprob: number;
}

export interface GeneratedToken {
  readonly token: number;
  /** Where `logprobs` was asked for. */
  readonly logprob?: number;
  /** The likeliest tokens, most likely first, as many as `logprobs` says; the chosen one may be among them. */
  readonly alternatives?: readonly TokenLogprob[];
}

/** `token` with its log probability and the `count` likeliest tokens (lowest id first of equals). */
export function withLogprobs(logits: ArrayLike<number>, token: number, count: number): GeneratedToken {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - largest);
  const total = largest + Math.log(sum);
  const best: number[] = [];
  for (let i = 0; i < logits.length && count > 0; i++) {
    if (best.length === count && logits[i]! <= logits[best.at(-1)!]!) continue;
    let place = best.length;
    while (place > 0 && logits[best[place - 1]!]! < logits[i]!) place--;
    best.splice(place, 0, i);
    if (best.length > count) best.pop();
  }
  return {
    token,
    logprob: logits[token]! - total,
    alternatives: best.map((one) => ({ token: one, logprob: logits[one]! - total })),
  };
}

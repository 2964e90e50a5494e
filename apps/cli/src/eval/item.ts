/**
 * What one row of an evaluation set asks of a model: texts to score, and what the scores mean. Plain data and functions;
 * no files, no models. Conventions are those of lm-evaluation-harness: continuations begin with a space, the answer is
 * the choice with the largest log probability, `acc_norm` divides it by the UTF-8 bytes of the choice.
 */

/** A context and what may follow it. */
export interface Pair {
  readonly context: string;
  readonly continuation: string;
}

/** Of one pair. */
export interface Score {
  /** Natural logarithm of the probability of the continuation, summed over its tokens. */
  readonly logprob: number;
  /** Whether each of its tokens is the likeliest. */
  readonly isGreedy: boolean;
}

export interface Item {
  /** `FILE, row N`. */
  readonly place: string;
  readonly pairs: readonly Pair[];
  /** The same row with its answer, as an example for others; undefined where the task has no such form. */
  readonly shot: string | undefined;
  /** Subject or paradigm, where a set has them. */
  readonly group?: string | undefined;
  /** Stands before the examples. */
  readonly description?: string | undefined;
  /** Scores of `pairs`, in their order → values by metric. */
  grade(scores: readonly Score[]): Readonly<Record<string, number>>;
}

/** One context, several choices. */
export function multipleChoice(
  {
    context,
    choices,
    gold,
  }: {
    readonly context: string;
    readonly choices: readonly string[];
    readonly gold: number;
  },
  place: string,
): Item {
  const bytes = choices.map((choice) => Buffer.byteLength(choice));
  return {
    place,
    pairs: choices.map((choice) => ({ context, continuation: ` ${choice}` })),
    shot: `${context} ${choices[gold]}`,
    grade(scores) {
      const logprobs = scores.map(({ logprob }) => logprob);
      const perByte = logprobs.map((logprob, i) => logprob / bytes[i]!);
      return { acc: Number(largest(logprobs) === gold), acc_norm: Number(largest(perByte) === gold) };
    },
  };
}

/** Several contexts, one continuation: partial scoring, as WinoGrande has it. */
export function partialContexts(
  {
    contexts,
    continuation,
    gold,
  }: {
    readonly contexts: readonly string[];
    readonly continuation: string;
    readonly gold: number;
  },
  place: string,
): Item {
  return {
    place,
    pairs: contexts.map((context) => ({ context, continuation: ` ${continuation}` })),
    shot: `${contexts[gold]} ${continuation}`,
    grade: (scores) => ({ acc: Number(largest(scores.map(({ logprob }) => logprob)) === gold) }),
  };
}

/** A text and the one continuation that is right: `acc` asks whether the model would have written it. */
export function cloze({ context, continuation }: Pair, place: string): Item {
  return {
    place,
    pairs: [{ context, continuation: ` ${continuation}` }],
    shot: `${context} ${continuation}`,
    grade: ([score]) => ({ acc: Number(score!.isGreedy), perplexity: score!.logprob }),
  };
}

/** The first of the largest values, as argmax has it. */
export function largest(values: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

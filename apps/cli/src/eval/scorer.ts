/** What scores token sequences: a model in this process, or a server. Both take the same requests and give the same scores. */
import type { Tokenizer } from '@qsparse/data';
import { EvaluationError } from './errors.ts';
import type { Pair, Score } from './item.ts';

/** Tokens whose probability is wanted, after those of the context. */
export interface ScoreRequest {
  /** At least one. */
  readonly context: readonly number[];
  /** At least one. */
  readonly continuation: readonly number[];
}

export interface ScoreOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with how many requests are done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface Scorer {
  readonly contextLength: number;
  /**
   * Scores in the order of the requests, each of which fits into the context. Throws EvaluationError, and the signal's reason.
   */
  score(requests: readonly ScoreRequest[], options?: ScoreOptions): Promise<readonly Score[]>;
  /** What was measured since the last call; undefined where the scorer cannot see it. */
  takeSparsity(): MeasuredSparsity | undefined;
  dispose(): void;
}

/** Shares of inputs of linear layers that were zero. */
export interface MeasuredSparsity {
  /** Tokens that were counted. */
  readonly tokens: number;
  readonly overall: number;
  readonly sites: Readonly<Record<string, number>>;
}

export interface EncodeOptions {
  /** Put the token that begins a text in front of every context. */
  readonly addBeginOfText: boolean;
}

/** The token that stands for an empty context: the one that begins a text, or else the one that ends the text before. */
export const prefixToken = ({ beginOfText, endOfText }: Tokenizer): number => beginOfText ?? endOfText;

/**
 * Tokens of a pair, as lm-evaluation-harness makes them: white space at the end of the context belongs to the
 * continuation, both are encoded as one text, and the continuation is what is left after the context's own tokens.
 */
export function encodePair(
  tokenizer: Tokenizer,
  { context, continuation }: Pair,
  { addBeginOfText }: EncodeOptions,
): ScoreRequest {
  const encode = (text: string): number[] =>
    Array.from(tokenizer.encode(text, { specialTokens: 'text', addSpecialTokens: false }));
  if (context === '') return { context: [prefixToken(tokenizer)], continuation: encode(continuation) };
  const stem = context.trimEnd();
  const whole = encode(context + continuation);
  const { length } = encode(stem);
  const begin = addBeginOfText ? [prefixToken(tokenizer)] : [];
  if (length === 0) return { context: [prefixToken(tokenizer)], continuation: whole };
  return { context: [...begin, ...whole.slice(0, length)], continuation: whole.slice(length) };
}

export interface Fitted {
  readonly request: ScoreRequest;
  /** Tokens that were left out at the beginning of the context. */
  readonly cut: number;
}

/**
 * The newest tokens that a model can see; as in the harness, the oldest of the context are left out. Throws EvaluationError
 * where the continuation alone is too long, or empty.
 */
export function fitToContext(
  { context, continuation }: ScoreRequest,
  contextLength: number,
  place: string,
): Fitted {
  if (continuation.length === 0)
    throw new EvaluationError(
      'eval-example',
      `${place}: a continuation of at least one token is required, got none; correct the row`,
    );
  // The last token is predicted, not read.
  const cut = Math.max(0, context.length + continuation.length - 1 - contextLength);
  if (cut < context.length) return { request: { context: context.slice(cut), continuation }, cut };
  throw new EvaluationError(
    'eval-example',
    `${place}: the continuation has ${continuation.length} tokens, the model sees ${contextLength}; leave the row out or use a model with a longer context`,
  );
}

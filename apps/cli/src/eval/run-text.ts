/**
 * Perplexity of texts, as lm-evaluation-harness rolls over them: windows that follow one another without overlap, each
 * token predicted once, the first after the token that stands for an empty context. The last window of a document is
 * filled up with tokens before it, which it reads and does not count.
 */
import type { Tokenizer } from '@qsparse/data';
import { readDocumentFiles } from '@qsparse/data/node';
import { EvaluationError } from './errors.ts';
import { requireData } from './records.ts';
import type { EvalContext, TaskResult } from './run-task.ts';
import { prefixToken, type ScoreRequest } from './scorer.ts';
import { ratioOf } from './statistics.ts';
import { TEXT_TASKS, type TextTaskName } from './tasks.ts';

/** Throws EvaluationError, TextError naming the file, and the signal's reason. */
export async function runText(
  name: TextTaskName,
  files: readonly string[],
  context: EvalContext,
): Promise<TaskResult> {
  const start = performance.now();
  const { scorer, tokenizer, data, limit = Number.POSITIVE_INFINITY, signal, onProgress } = context;
  const { file } = TEXT_TASKS[name];
  const paths = file === undefined ? files : [requireData(data, file, name)];
  if (paths.length === 0)
    throw new EvaluationError(
      'eval-data',
      `${name} needs --text FILE: the text whose perplexity is measured`,
    );
  const requests: ScoreRequest[] = [];
  let [tokens, bytes, words] = [0, 0, 0];
  for await (const document of readDocumentFiles(paths, { signal })) {
    const ids = tokensOf(document, tokenizer);
    const windows = windowsOf(ids, tokenizer, scorer.contextLength).slice(0, limit - requests.length);
    for (const window of windows) requests.push(window);
    const read = windows.reduce((sum, { continuation }) => sum + continuation.length, 0);
    const whole = read === ids.length ? document : tokenizer.decode(ids.slice(0, read));
    tokens += read;
    bytes += Buffer.byteLength(whole);
    words += whole.split(/\s+/).filter((word) => word !== '').length;
    if (requests.length >= limit) break;
  }
  const scores = await scorer.score(requests, {
    signal,
    onProgress: (done) => onProgress?.(done, requests.length),
  });
  const losses = scores.map(({ logprob }) => -logprob);
  const { ratio: perToken, error } = ratioOf(
    losses,
    requests.map(({ continuation }) => continuation.length),
  );
  if (Number.isNaN(perToken))
    throw new EvaluationError(
      'eval-example',
      `${paths.join(', ')}: the model gives no probabilities (NaN); check its weights`,
    );
  /** Of a loss per something, from that per token. */
  const per = (count: number) => {
    const factor = tokens / count;
    return { loss: perToken * factor, error: error === undefined ? undefined : error * factor };
  };
  const exponential = (count: number) => {
    const { loss, error: own } = per(count);
    const value = Math.exp(loss);
    return { value, standardError: own === undefined ? undefined : value * own };
  };
  const inBits = per(bytes * Math.LN2);
  return {
    task: name,
    file: paths.join(', '),
    items: requests.length,
    fewShot: 0,
    metrics: {
      bits_per_byte: { value: inBits.loss, standardError: inBits.error },
      perplexity: exponential(tokens),
      word_perplexity: exponential(words),
      byte_perplexity: exponential(bytes),
    },
    cut: 0,
    seconds: (performance.now() - start) / 1000,
    sparsity: scorer.takeSparsity(),
  };
}

/** Requests that predict every token of a document once. */
export function windowsOf(
  ids: readonly number[],
  tokenizer: Tokenizer,
  contextLength: number,
): readonly ScoreRequest[] {
  const windows: ScoreRequest[] = [];
  for (let from = 0; from < ids.length; from += contextLength) {
    const end = Math.min(from + contextLength, ids.length);
    // Reads `contextLength` tokens before the last, or from the beginning where there are fewer.
    const context = from === 0 ? [prefixToken(tokenizer)] : ids.slice(end - contextLength - 1, from);
    windows.push({ context, continuation: ids.slice(from, end) });
  }
  return windows;
}

const tokensOf = (document: string, tokenizer: Tokenizer): number[] =>
  Array.from(tokenizer.encode(document, { specialTokens: 'text', addSpecialTokens: false }));

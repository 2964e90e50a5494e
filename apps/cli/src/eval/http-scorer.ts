/**
 * Scores through `POST /v1/completions` of a server: prompts as token ids, `echo` and `logprobs`, nothing generated. Any
 * server that answers so will do; `qsparse serve` does.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { EvaluationError } from './errors.ts';
import type { Score } from './item.ts';
import type { ScoreRequest, Scorer } from './scorer.ts';

export interface HttpScorerOptions {
  /** `http://127.0.0.1:8000`, with or without `/v1`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string | undefined;
  /** Of the model. A server takes so many tokens with the last one, which is not read: the scorer's is one less. */
  readonly contextLength: number;
  /** Prompts a request; default 16. */
  readonly prompts?: number | undefined;
  /** For tests. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A busy server is asked again this often. */
const MOST_TRIES = 8;
/** Seconds to wait where the server says none. */
const USUAL_WAIT = 1;
const LONGEST_WAIT = 30;

/** Asks the server which model it has. Throws EvaluationError, and the signal's reason. */
export async function openHttpScorer(options: HttpScorerOptions): Promise<Scorer> {
  const { prompts = 16 } = options;
  const base = baseOf(options.url);
  const { id: model, longest } = modelOf(await ask(`${base}/models`, undefined, options), base);
  const contextLength = Math.min(options.contextLength, longest) - 1;
  return {
    contextLength,
    takeSparsity: () => undefined,
    dispose: () => {},
    async score(requests, { signal, onProgress } = {}) {
      const scores: Score[] = [];
      for (let from = 0; from < requests.length; from += prompts) {
        signal?.throwIfAborted();
        const some = requests.slice(from, from + prompts);
        const body = {
          model,
          prompt: some.map(({ context, continuation }) => [...context, ...continuation]),
          max_tokens: 0,
          temperature: 0,
          echo: true,
          logprobs: 1,
        };
        const answer = await ask(`${base}/completions`, body, { ...options, signal });
        scores.push(...scoresOf(answer, some, base));
        onProgress?.(scores.length);
      }
      return scores;
    },
  };
}

function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol))
    return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1`;
  throw new EvaluationError(
    'eval-server',
    `--url must be an http address, got ${JSON.stringify(url)}; correct it`,
  );
}

/** The JSON of an answer. Waits where the server is busy. */
async function ask(
  url: string,
  body: object | undefined,
  { apiKey, fetch = globalThis.fetch, signal }: Pick<HttpScorerOptions, 'apiKey' | 'fetch' | 'signal'>,
): Promise<unknown> {
  const headers = {
    ...(body && { 'content-type': 'application/json' }),
    ...(apiKey && { authorization: `Bearer ${apiKey}` }),
  };
  const init = {
    headers,
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    ...(signal && { signal }),
  };
  for (let tries = 1; ; tries++) {
    const response = await fetch(url, init).catch((error: unknown) => {
      if (signal?.aborted) throw signal.reason;
      throw new EvaluationError(
        'eval-server',
        `${url}: no answer (${causeOf(error)}); is the server running?`,
      );
    });
    const text = await response.text();
    if (response.ok) {
      try {
        return JSON.parse(text);
      } catch {
        throw new EvaluationError(
          'eval-server',
          `${url}: JSON is required, got ${text.slice(0, 40)}; is it the right address?`,
        );
      }
    }
    const isBusy = response.status === 429 || response.status === 503;
    if (!isBusy || tries === MOST_TRIES)
      throw new EvaluationError(
        'eval-server',
        `${url}: ${response.status} ${messageOf(text)}; correct the request or the server`,
      );
    const seconds = Number(response.headers.get('retry-after') ?? USUAL_WAIT);
    await wait(1000 * Math.min(Number.isFinite(seconds) ? seconds : USUAL_WAIT, LONGEST_WAIT), undefined, {
      ...(signal && { signal }),
    });
  }
}

const causeOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
};

function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { error: { message: unknown } }).error.message);
  } catch {
    return text.slice(0, 80).replaceAll(/\s+/g, ' ');
  }
}

interface ServerModel {
  readonly id: string;
  /** Tokens of a text, where the server says it. */
  readonly longest: number;
}

function modelOf(answer: unknown, base: string): ServerModel {
  const [model] =
    (answer as { data?: readonly { id?: unknown; max_model_len?: unknown }[] } | null)?.data ?? [];
  const { id, max_model_len: longest } = model ?? {};
  if (typeof id === 'string')
    return { id, longest: typeof longest === 'number' && longest > 1 ? longest : Number.POSITIVE_INFINITY };
  throw new EvaluationError(
    'eval-server',
    `${base}/models: a list of models is required, got ${shown(answer)}; is it the right address?`,
  );
}

interface Logprobs {
  readonly token_logprobs: readonly (number | null)[];
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[] | null;
}

function scoresOf(answer: unknown, requests: readonly ScoreRequest[], base: string): readonly Score[] {
  const choices = (answer as { choices?: readonly { index: number; logprobs: Logprobs | null }[] } | null)
    ?.choices;
  return requests.map(({ context, continuation }, i) => {
    const logprobs = choices?.find(({ index }) => index === i)?.logprobs;
    const values = logprobs?.token_logprobs.slice(context.length, context.length + continuation.length);
    if (
      !logprobs ||
      values?.length !== continuation.length ||
      values.some((value) => typeof value !== 'number')
    )
      throw new EvaluationError(
        'eval-server',
        `${base}/completions: log probabilities of ${context.length + continuation.length} prompt tokens are required, got ${shown(choices?.[i])}; the server must support echo with logprobs`,
      );
    const isGreedy = (values as number[]).every((value, k) => {
      const top = Object.values(logprobs.top_logprobs?.[context.length + k] ?? {});
      return value >= Math.max(...top);
    });
    return { logprob: (values as number[]).reduce((sum, value) => sum + value, 0), isGreedy };
  });
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

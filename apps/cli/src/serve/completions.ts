/** POST /v1/completions: texts that go on from prompts, at once or as a stream; with `echo`, the prompts and what they score. */
import type { GeneratedToken, TextStep } from '@qsparse/models';
import { finishReason, headOf, usageOf } from './answers.ts';
import type { ErrorBody } from './api-error.ts';
import type { CompletionPrompt, CompletionRequest } from './completion-request.ts';
import { eventStream } from './event-stream.ts';
import {
  appendLogprobs,
  type CompletionLogprobs,
  completionLogprobs,
  emptyLogprobs,
} from './logprob-forms.ts';
import { type Exchange, runTexts, type TextEvent, type TextJob } from './run-texts.ts';
import type { ServedModel } from './served-model.ts';

/** What one moment adds to a choice. */
interface Piece {
  readonly index: number;
  readonly text: string;
  readonly logprobs: CompletionLogprobs | null;
  readonly finish_reason: 'stop' | 'length' | null;
}

interface Choice {
  /** The prompt, with `echo`, where it is not to be scored. */
  readonly first: Piece | undefined;
  read(step: TextStep): Piece;
}

/** Throws ApiError, QueueFullError and what the engine throws. */
export async function complete(
  model: ServedModel,
  request: CompletionRequest,
  exchange: Exchange,
  describe: (error: unknown) => ErrorBody,
): Promise<Response> {
  const choices: Choice[] = [];
  const jobs: TextJob[] = [];
  const { echo, logprobs } = request;
  const echoLogprobs = echo && logprobs !== undefined;
  for (const prompt of request.prompts) {
    const { ids, maxTokens } = prompt;
    for (let i = 0; i < request.n; i++) {
      const index = choices.length;
      choices.push(createChoice(index, prompt, request, model));
      const options = { ...request.options, logprobs, echoLogprobs, maxTokens, seed: request.seed + index };
      if (maxTokens > 0 || echoLogprobs) jobs.push({ index, ids, options });
    }
  }
  const texts = await runTexts(model, jobs, exchange);
  const head = headOf('cmpl', 'text_completion', model);
  const pieces = piecesOf(choices, texts);
  const promptTokens = request.prompts.reduce((sum, { ids }) => sum + ids.length, 0);
  let made = 0;
  const counted = async function* (): AsyncGenerator<Piece> {
    for await (const { piece, tokens } of pieces) {
      made += tokens;
      yield piece;
    }
  };
  if (!request.stream) {
    const whole = await collect(counted(), choices.length);
    return Response.json({ ...head, choices: whole, usage: usageOf(promptTokens, made) });
  }
  const { includeUsage } = request;
  const chunks = async function* (): AsyncGenerator<object> {
    for await (const piece of counted())
      if (piece.text || piece.logprobs || piece.finish_reason)
        yield { ...head, choices: [piece], ...(includeUsage && { usage: null }) };
    if (includeUsage) yield { ...head, choices: [], usage: usageOf(promptTokens, made) };
  };
  return eventStream(chunks(), {
    describe,
    onGone() {
      exchange.abort();
      exchange.disconnect();
    },
  });
}

function createChoice(
  index: number,
  prompt: CompletionPrompt,
  { echo, logprobs }: CompletionRequest,
  { tokenizer, tokenTexts }: ServedModel,
): Choice {
  // Where tokens begin: a decoder of its own, since the engine holds back what may be a stop text.
  const decoder = tokenizer.decoder(echo ? {} : { after: prompt.ids });
  let offset = 0;
  const formOf = (tokens: readonly GeneratedToken[], unspelled = false): CompletionLogprobs =>
    completionLogprobs(
      tokens.map((token, i) => {
        const placed = { token, offset };
        const text = decoder.push(token.token);
        if (i > 0 || !unspelled) offset += codePoints(text);
        return placed;
      }),
      tokenTexts,
    );
  const isScored = logprobs !== undefined;
  return {
    first:
      echo && !isScored
        ? {
            index,
            text: prompt.text,
            logprobs: null,
            finish_reason: prompt.maxTokens === 0 ? 'length' : null,
          }
        : undefined,
    read({ text, token, end, prompt: scored }) {
      // The prompt comes before the first token, which may come with it.
      const tokens = [...(scored ? [{ token: prompt.ids[0]! }, ...scored] : []), ...(token ? [token] : [])];
      return {
        index,
        text: scored ? prompt.text + text : text,
        logprobs:
          isScored && tokens.length > 0
            ? formOf(tokens, scored !== undefined && prompt.beginsUnspelled)
            : null,
        finish_reason: finishReason(end),
      };
    },
  };
}

interface Made {
  readonly piece: Piece;
  /** That the model made. */
  readonly tokens: number;
}

async function* piecesOf(choices: readonly Choice[], texts: AsyncIterable<TextEvent>): AsyncGenerator<Made> {
  for (const { first } of choices) if (first) yield { piece: first, tokens: 0 };
  for await (const { index, step } of texts)
    yield { piece: choices[index]!.read(step), tokens: step.token ? 1 : 0 };
}

async function collect(pieces: AsyncIterable<Piece>, count: number): Promise<Piece[]> {
  const texts: string[][] = Array.from({ length: count }, () => []);
  const all: (CompletionLogprobs | undefined)[] = [];
  const ends: Piece['finish_reason'][] = [];
  for await (const { index, text, logprobs, finish_reason } of pieces) {
    texts[index]!.push(text);
    if (logprobs) {
      all[index] ??= emptyLogprobs();
      appendLogprobs(all[index], logprobs);
    }
    ends[index] = finish_reason;
  }
  return texts.map((text, index) => ({
    index,
    text: text.join(''),
    logprobs: all[index] ?? null,
    finish_reason: ends[index] ?? null,
  }));
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

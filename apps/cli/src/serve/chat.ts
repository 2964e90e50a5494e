/** POST /v1/chat/completions: answers to a conversation, at once or as a stream. */
import { finishReason, headOf, usageOf } from './answers.ts';
import type { ErrorBody } from './api-error.ts';
import type { ChatRequest } from './chat-request.ts';
import { eventStream } from './event-stream.ts';
import { type ChatTokenLogprob, chatLogprob } from './logprob-forms.ts';
import { type Exchange, runTexts, type TextEvent } from './run-texts.ts';
import type { ServedModel } from './served-model.ts';

interface ChatLogprobs {
  readonly content: readonly ChatTokenLogprob[];
  readonly refusal: null;
}

/** Throws QueueFullError and what the engine throws. */
export async function chat(
  model: ServedModel,
  request: ChatRequest,
  exchange: Exchange,
  describe: (error: unknown) => ErrorBody,
): Promise<Response> {
  const { ids, maxTokens, logprobs, n, seed } = request;
  const jobs = Array.from({ length: n }, (_, index) => ({
    index,
    ids,
    options: { ...request.options, maxTokens, logprobs, seed: seed + index },
  }));
  const texts = await runTexts(model, jobs, exchange);
  return request.stream ? stream(model, request, texts, exchange, describe) : whole(model, request, texts);
}

async function whole(
  model: ServedModel,
  { ids, n, logprobs }: ChatRequest,
  texts: AsyncIterable<TextEvent>,
): Promise<Response> {
  const answers = Array.from({ length: n }, () => ({
    content: [] as string[],
    scores: [] as ChatTokenLogprob[],
    end: finishReason(undefined),
  }));
  let made = 0;
  for await (const { index, step } of texts) {
    const answer = answers[index]!;
    answer.content.push(step.text);
    if (step.token) made++;
    if (step.token && logprobs !== undefined) answer.scores.push(chatLogprob(step.token, model.tokenTexts));
    answer.end = finishReason(step.end);
  }
  return Response.json({
    ...headOf('chatcmpl', 'chat.completion', model),
    choices: answers.map(({ content, scores, end }, index) => ({
      index,
      message: { role: 'assistant', content: content.join(''), refusal: null },
      logprobs: logprobs === undefined ? null : ({ content: scores, refusal: null } satisfies ChatLogprobs),
      finish_reason: end,
    })),
    usage: usageOf(ids.length, made),
  });
}

function stream(
  model: ServedModel,
  { ids, n, logprobs, includeUsage }: ChatRequest,
  texts: AsyncIterable<TextEvent>,
  exchange: Exchange,
  describe: (error: unknown) => ErrorBody,
): Response {
  const head = headOf('chatcmpl', 'chat.completion.chunk', model);
  const chunk = (index: number, delta: object, scores: ChatLogprobs | null, end: string | null): object => ({
    ...head,
    choices: [{ index, delta, logprobs: scores, finish_reason: end }],
    ...(includeUsage && { usage: null }),
  });
  const chunks = async function* (): AsyncGenerator<object> {
    let made = 0;
    for (let index = 0; index < n; index++)
      yield chunk(index, { role: 'assistant', content: '', refusal: null }, null, null);
    for await (const { index, step } of texts) {
      const { text, token, end } = step;
      if (token) made++;
      const content = token && logprobs !== undefined ? [chatLogprob(token, model.tokenTexts)] : undefined;
      if (text || content)
        yield chunk(index, { content: text }, content ? { content, refusal: null } : null, null);
      if (end) yield chunk(index, {}, null, finishReason(end));
    }
    if (includeUsage) yield { ...head, choices: [], usage: usageOf(ids.length, made) };
  };
  return eventStream(chunks(), {
    describe,
    onGone() {
      exchange.abort();
      exchange.disconnect();
    },
  });
}

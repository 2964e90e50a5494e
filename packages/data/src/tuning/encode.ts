/**
 * An example as tokens, with the ones that a loss counts: completions alone. A prompt is encoded as generation will encode it,
 * and the answer is what the whole text has behind it; where the two meet inside a token, that token counts as the answer's.
 */
import type { ChatMessage, ChatTemplate } from '../chat/chat-template.ts';
import { DataError, TextError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Dialogue, RecordPlace } from './records.ts';

/** One token less than the text has: each predicts the next. */
export interface Example {
  readonly tokens: Int32Array;
  /** What follows each of `tokens`; -1 where it is not part of a completion. */
  readonly targets: Int32Array;
}

export interface EncoderOptions {
  readonly tokenizer: Tokenizer;
  /** For messages. */
  readonly template: ChatTemplate;
  /** Tokens that the model sees: longer examples do not fit. */
  readonly context: number;
  /** Between prompt and completion; default a line break. */
  readonly separator?: string | undefined;
  /** Cuts completions that go beyond the context, in place of refusing them. Default false. */
  readonly cut?: boolean | undefined;
}

/** An example that cannot be learnt from; says which and why. */
export class UnusableExampleError extends TextError {}

/**
 * Throws `UnusableExampleError` (`jsonl`) naming file and line for an empty completion, a prompt that fills the context, or
 * an example that goes beyond it.
 */
export function encodeDialogue(dialogue: Dialogue, place: RecordPlace, options: EncoderOptions): Example {
  const fail = (what: string, hint: string): never => {
    throw new UnusableExampleError('jsonl', place, what, hint);
  };
  const { ids, counted } =
    'messages' in dialogue
      ? ofMessages(dialogue.messages, options, place, fail)
      : ofText(dialogue, options, fail);
  const { context, cut = false } = options;
  const begin = counted.indexOf(1);
  if (begin < 0) fail('no completion is left to learn from', 'give an answer, or skip such rows');
  if (begin > context)
    fail(
      `the prompt has ${begin} tokens, the context is ${context}`,
      'shorten it, raise the context, or skip such rows',
    );
  if (ids.length > context + 1 && !cut)
    fail(
      `prompt and completion have ${ids.length} tokens, the context is ${context}`,
      'shorten them, raise the context, or skip or cut such rows',
    );
  const length = Math.min(ids.length - 1, context);
  return {
    tokens: ids.slice(0, length),
    targets: Int32Array.from({ length }, (_, i) => (counted[i + 1] ? ids[i + 1]! : -1)),
  };
}

interface Counted {
  readonly ids: Int32Array;
  /** 1 for the tokens of completions. */
  readonly counted: Uint8Array;
}

type Fail = (what: string, hint: string) => never;

function ofText(
  { prompt, completion }: { readonly prompt: string; readonly completion: string },
  { tokenizer, separator = '\n' }: EncoderOptions,
  fail: Fail,
): Counted {
  if (completion.trim() === '') fail('the completion is empty', 'give one, or skip such rows');
  const asked = tokenizer.encode(prompt + separator, { specialTokens: 'text' });
  const whole = tokenizer.encode(prompt + separator + completion, { specialTokens: 'text' });
  const ids = Int32Array.of(...whole, tokenizer.endOfText);
  return { ids, counted: new Uint8Array(ids.length).fill(1, sharedLength(asked, whole)) };
}

/** Every answer counts up to the token that ends its turn, as long as the template still shows it as it was given. */
function ofMessages(
  messages: readonly ChatMessage[],
  { template }: EncoderOptions,
  place: RecordPlace,
  fail: Fail,
): Counted {
  const answers = messages.flatMap(({ role }, index) => (role === 'assistant' ? [index] : []));
  const last = answers.at(-1);
  if (last === undefined)
    return fail('there is no message of the assistant', 'give an answer, or skip such rows');
  const empty = answers.find((index) => String(messages[index]!.content).trim() === '');
  if (empty !== undefined) fail(`message ${empty}, an answer, is empty`, 'give a text, or skip such rows');
  const encode = (count: number, addGenerationPrompt: boolean): Int32Array => {
    try {
      return template.encode(messages.slice(0, count), { addGenerationPrompt });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      throw new TextError(error.code, place, error.message, '', error);
    }
  };
  const ids = encode(last + 1, false);
  const counted = new Uint8Array(ids.length);
  for (const index of answers) {
    const shown = index === last ? ids : encode(index + 1, false);
    const begin = index === 0 ? 0 : sharedLength(encode(index, true), shown);
    const end = turnEnd(shown, begin, template.stopTokens);
    if (end <= sharedLength(shown, ids)) counted.fill(1, begin, end);
  }
  return { ids: ids.slice(0, counted.lastIndexOf(1) + 1), counted };
}

/** Behind the last token that ends a turn; the end where there is none. */
function turnEnd(ids: Int32Array, begin: number, stopTokens: readonly number[]): number {
  for (let i = ids.length - 1; i >= begin; i--) if (stopTokens.includes(ids[i]!)) return i + 1;
  return ids.length;
}

function sharedLength(a: Int32Array, b: Int32Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** What a body of /v1/completions asks for. */
import { type Tokenizer, TokenizerError } from '@qsparse/data';
import { badField } from './api-error.ts';
import { readFields, shown } from './fields.ts';
import {
  type GenerationFields,
  MOST_ALTERNATIVES,
  readGenerationFields,
  requireModel,
  requireShort,
  roomFor,
} from './generation-fields.ts';
import type { Limits, ServedModel } from './served-model.ts';

export interface CompletionPrompt {
  readonly ids: readonly number[];
  /** What `echo` gives back. */
  readonly text: string;
  /** Whether the first id is a beginning of text that the tokenizer put there: `text` does not spell it. */
  readonly beginsUnspelled: boolean;
  /** 0 with `echo` alone: then only the prompt is wanted. */
  readonly maxTokens: number;
}

export interface CompletionRequest extends GenerationFields {
  readonly prompts: readonly CompletionPrompt[];
  readonly echo: boolean;
  /** Likeliest tokens beside each token; undefined: no log probabilities. */
  readonly logprobs: number | undefined;
}

/** What OpenAI's completions have where `max_tokens` is absent. */
const USUAL_TOKENS = 16;

/** Throws ApiError 400 or 404 naming the field. */
export function readCompletionRequest(
  body: Readonly<Record<string, unknown>>,
  model: ServedModel,
  limits: Limits,
): CompletionRequest {
  const fields = readFields(body);
  requireModel(fields, model);
  const generation = readGenerationFields(fields, limits, model.tokenizer.stopTokens);
  const echo = fields.flag('echo');
  const logprobs = fields.integer('logprobs', { min: 0, max: MOST_ALTERNATIVES });
  const given = fields.integer('max_tokens', { min: 0 });
  if (given === 0 && !echo) throw badField('max_tokens', 'may be 0 with echo alone', 'invalid_value');
  fields.refuse('suffix', (value) => value === '', 'the model continues a text and fills no gaps');
  const prompts = readPrompts(fields.value('prompt'));
  fields.finish();
  if (prompts.length * generation.n > limits.texts) {
    const what = `asks for ${prompts.length} × ${generation.n} texts, a request may have ${limits.texts}`;
    throw badField('prompt', what, 'too_many_texts');
  }
  return {
    ...generation,
    echo,
    logprobs,
    prompts: prompts.map((prompt, index) => {
      const name = prompts.length > 1 ? `prompt[${index}]` : 'prompt';
      const read = typeof prompt === 'string' ? ofText(prompt, name, model) : ofIds(prompt, name, model);
      if (read.ids.length === 0) throw badField(name, 'must have at least one token', 'invalid_value');
      const room = { name: 'max_tokens', given, usual: USUAL_TOKENS, promptTokens: read.ids.length };
      return { ...read, maxTokens: roomFor(room, model, limits) };
    }),
  };
}

function readPrompts(value: unknown): readonly (string | readonly unknown[])[] {
  if (typeof value === 'string') return [value];
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  if (list.length > 0) {
    if (list.every((item) => typeof item === 'string')) return list;
    if (list.every((item) => typeof item === 'number')) return [list];
    if (list.every((item) => Array.isArray(item))) return list;
  }
  const kinds = 'a string, a list of strings, a list of token ids or a list of such lists';
  const got = value === undefined ? 'nothing' : list.length > 0 ? 'a list of several kinds' : shown(value);
  throw badField('prompt', `must be ${kinds}, got ${got}`, 'invalid_value');
}

function ofText(text: string, name: string, model: ServedModel): Omit<CompletionPrompt, 'maxTokens'> {
  requireShort(text.length, name, model);
  const { tokenizer } = model;
  const ids = Array.from(tokenizer.encode(text));
  const { beginOfText } = tokenizer;
  const begins = beginOfText !== undefined && ids[0] === beginOfText;
  return { ids, text, beginsUnspelled: begins && !text.startsWith(spelling(tokenizer, beginOfText)) };
}

function ofIds(
  ids: readonly unknown[],
  name: string,
  { tokenizer, tokenTexts }: ServedModel,
): Omit<CompletionPrompt, 'maxTokens'> {
  const wrong = ids.find((id) => typeof id !== 'number' || !tokenTexts.has(id));
  if (wrong !== undefined)
    throw badField(
      name,
      `must hold token ids of this model, from 0 to ${tokenizer.vocabularySize - 1}, got ${shown(wrong)}`,
      'invalid_value',
    );
  const tokens = ids as readonly number[];
  return { ids: tokens, text: tokenizer.decode(tokens), beginsUnspelled: false };
}

function spelling(tokenizer: Tokenizer, id: number): string {
  try {
    return tokenizer.decode([id]);
  } catch (error) {
    if (error instanceof TokenizerError) return '';
    throw error;
  }
}

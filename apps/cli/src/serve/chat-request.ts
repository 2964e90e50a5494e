/** What a body of /v1/chat/completions asks for: messages through the model's own template, as tokens. */
import { type ChatMessage, type ChatTemplate, TokenizerError } from '@qsparse/data';
import { ApiError, badField } from './api-error.ts';
import { type Fields, isEmpty, isObject, readFields, shown } from './fields.ts';
import {
  type GenerationFields,
  MOST_ALTERNATIVES,
  readGenerationFields,
  requireModel,
  requireShort,
  roomFor,
} from './generation-fields.ts';
import type { Limits, ServedModel } from './served-model.ts';

export interface ChatRequest extends GenerationFields {
  readonly ids: readonly number[];
  readonly maxTokens: number;
  /** Likeliest tokens beside each token; undefined: no log probabilities. */
  readonly logprobs: number | undefined;
}

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'];

/** Throws ApiError 400 or 404 naming the field. */
export function readChatRequest(
  body: Readonly<Record<string, unknown>>,
  model: ServedModel,
  limits: Limits,
): ChatRequest {
  const { template } = model;
  if (!template)
    throw new ApiError(
      400,
      `${model.id} has no chat template: it was not trained to talk; use /v1/completions, or start the server with --template FILE`,
      { param: 'model', code: 'no_chat_template' },
    );
  const fields = readFields(body);
  requireModel(fields, model);
  const generation = readGenerationFields(fields, limits, template.stopTokens);
  const logprobs = readLogprobs(fields);
  // `max_tokens` is the old name.
  const [newer, older] = ['max_completion_tokens', 'max_tokens'].map((name) =>
    fields.integer(name, { min: 1 }),
  );
  if (newer !== undefined && older !== undefined && newer !== older)
    throw badField('max_tokens', 'and max_completion_tokens differ; give one of them', 'invalid_value');
  const variables = fields.object('chat_template_kwargs');
  const messages = readMessages(fields.value('messages'));
  refuseOthers(fields);
  fields.finish();
  requireShort(JSON.stringify(messages).length, 'messages', model);
  const ids = encode(template, messages, variables);
  const name = newer === undefined ? 'max_tokens' : 'max_completion_tokens';
  const room = { name, given: newer ?? older, usual: Infinity, promptTokens: ids.length };
  return { ...generation, ids, logprobs, maxTokens: roomFor(room, model, limits) };
}

function readLogprobs(fields: Fields): number | undefined {
  const wanted = fields.flag('logprobs');
  const top = fields.integer('top_logprobs', { min: 0, max: MOST_ALTERNATIVES });
  if (top !== undefined && !wanted)
    throw badField('top_logprobs', 'is for logprobs; set logprobs to true', 'invalid_value');
  return wanted ? (top ?? 0) : undefined;
}

function refuseOthers(fields: Fields): void {
  const isNone = (value: unknown): boolean => value === 'none' || value === 'auto';
  for (const name of ['tools', 'functions']) fields.refuse(name, isEmpty, 'this server calls no functions');
  for (const name of ['tool_choice', 'function_call']) fields.refuse(name, isNone);
  fields.refuse(
    'response_format',
    (value) => isObject(value) && value.type === 'text',
    'only plain text comes',
  );
  fields.refuse(
    'modalities',
    (value) => Array.isArray(value) && value.every((item) => item === 'text'),
    'only plain text comes',
  );
  for (const name of ['audio', 'web_search_options', 'reasoning_effort', 'verbosity', 'moderation'])
    fields.refuse(name, () => false);
  fields.ignore('parallel_tool_calls', 'prediction');
}

function readMessages(value: unknown): ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    const got = value === undefined ? 'nothing' : shown(value);
    throw badField('messages', `must be a list of at least one message, got ${got}`, 'invalid_value');
  }
  return value.map((message: unknown, index) => readMessage(message, `messages[${index}]`));
}

function readMessage(value: unknown, name: string): ChatMessage {
  if (!isObject(value)) throw badField(name, `must be an object, got ${shown(value)}`, 'invalid_value');
  const { role, content } = value;
  if (typeof role !== 'string' || !ROLES.includes(role))
    throw badField(`${name}.role`, `must be one of ${ROLES.join(', ')}, got ${shown(role)}`, 'invalid_value');
  return {
    ...value,
    // The newer name of what templates know as the system.
    role: role === 'developer' ? 'system' : role,
    content: readContent(content, `${name}.content`, role === 'assistant'),
  };
}

function readContent(content: unknown, name: string, mayBeAbsent: boolean): string | null {
  if (typeof content === 'string') return content;
  if ((content === undefined || content === null) && mayBeAbsent) return null;
  if (!Array.isArray(content) || content.length === 0)
    throw badField(name, `must be a string or a list of text parts, got ${shown(content)}`, 'invalid_value');
  const texts = content.map((part: unknown, index) => {
    if (isObject(part) && part.type === 'text' && typeof part.text === 'string') return part.text;
    const kind = isObject(part) ? shown(part.type) : shown(part);
    throw badField(`${name}[${index}]`, `must be a part of type "text", got ${kind}`, 'unsupported_content');
  });
  return texts.join('');
}

function encode(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  variables: Readonly<Record<string, unknown>> | undefined,
): number[] {
  try {
    return Array.from(template.encode(messages, variables ? { variables } : {}));
  } catch (error) {
    // The template's own words: that roles must alternate, say.
    if (!(error instanceof TokenizerError)) throw error;
    throw new ApiError(400, error.message, { param: 'messages', code: 'chat_template', cause: error });
  }
}

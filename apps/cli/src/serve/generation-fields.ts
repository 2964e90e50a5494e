/** The fields that completions and chats share: how tokens are chosen, where the text ends, how the answer comes. */
import { randomInt } from 'node:crypto';
import type { GenerateOptions } from '@qsparse/models';
import { ApiError, badField } from './api-error.ts';
import { type Fields, isEmpty, readFields } from './fields.ts';
import type { Limits, ServedModel } from './served-model.ts';

export interface GenerationFields {
  /** Without what belongs to one text: its seed, its tokens at most, its signal. */
  readonly options: Pick<
    GenerateOptions,
    'temperature' | 'topK' | 'topP' | 'minP' | 'repetitionPenalty' | 'stopText' | 'stopTokens'
  >;
  /** Of the first text; the others count on from it. */
  readonly seed: number;
  /** Texts for each prompt. */
  readonly n: number;
  readonly stream: boolean;
  /** Whether a stream ends with the number of tokens. */
  readonly includeUsage: boolean;
}

/** What a client may ask for at most, as OpenAI has it or a little above. */
const MOST = { alternatives: 20, stops: 16, stopCharacters: 1000, temperature: 2 } as const;
export const MOST_ALTERNATIVES: number = MOST.alternatives;

/** Seeds are taken modulo this, so that those of several texts are exact numbers too. */
const SEEDS = 2 ** 48;

const isZero = (value: unknown): boolean => value === 0;

/** Throws ApiError 400. @param stopTokens what ends a text of this model */
export function readGenerationFields(
  fields: Fields,
  { texts }: Limits,
  stopTokens: readonly number[],
): GenerationFields {
  const n = fields.integer('n', { min: 1, max: texts }) ?? 1;
  fields.refuse('best_of', (value) => value === n, 'ask for n texts and choose among them');
  const topK = fields.integer('top_k', { min: -1 });
  const stream = fields.flag('stream');
  const streamOptions = fields.object('stream_options');
  if (streamOptions && !stream) throw badField('stream_options', 'is for streams; set stream to true');
  const given = {
    temperature: fields.number('temperature', { min: 0, max: MOST.temperature }) ?? 1,
    topP: fields.number('top_p', { min: 0, max: 1 }) ?? 1,
    minP: fields.number('min_p', { min: 0, max: 1 }),
    repetitionPenalty: fields.number('repetition_penalty', { min: Number.MIN_VALUE }),
  };
  fields.refuse('presence_penalty', isZero, 'repetition_penalty is');
  fields.refuse('frequency_penalty', isZero, 'repetition_penalty is');
  fields.refuse('logit_bias', isEmpty);
  fields.ignore('user', 'metadata', 'store', 'service_tier', 'safety_identifier');
  fields.ignore('prompt_cache_key', 'prompt_cache_retention');
  return {
    options: {
      ...given,
      // 0 is the likeliest token, as the smallest positive share is.
      topP: Math.max(given.topP, 1e-6),
      topK: topK === undefined || topK < 0 ? 0 : topK,
      stopText: readStops(fields),
      stopTokens: fields.flag('ignore_eos') ? [] : stopTokens,
    },
    seed: readSeed(fields),
    n,
    stream,
    includeUsage: streamOptions !== undefined && readIncludeUsage(streamOptions),
  };
}

/** Throws ApiError 404 for another model's name. */
export function requireModel(fields: Fields, { id }: ServedModel): void {
  const name = fields.text('model');
  if (name !== undefined && name !== id) throw unknownModel(name, id);
}

export function unknownModel(name: string, id: string): ApiError {
  const message = `there is no model ${JSON.stringify(name.slice(0, 200))}, this server has ${JSON.stringify(id)}`;
  return new ApiError(404, message, { param: 'model', code: 'model_not_found' });
}

export interface Room {
  /** The field that was given, for messages. */
  readonly name: string;
  readonly given: number | undefined;
  /** Where nothing was given. */
  readonly usual: number;
  /** Tokens of the prompt. */
  readonly promptTokens: number;
}

/** Tokens that a text may add. Throws ApiError 400 where they do not fit with their prompt. */
export function roomFor(
  { name, given, usual, promptTokens }: Room,
  { contextLength }: ServedModel,
  { maxTokens: most = Infinity }: Limits,
): number {
  const room = contextLength - promptTokens;
  if (given !== undefined && given > most)
    throw badField(name, `may be ${most} at most on this server, got ${given}`, 'invalid_value');
  if (given !== undefined ? given <= room : room > 0) return given ?? Math.min(usual, room, most);
  const parts = given === undefined ? '' : ` and ${given} that are to come`;
  throw new ApiError(400, `the model sees ${contextLength} tokens; the prompt has ${promptTokens}${parts}`, {
    param: given === undefined || promptTokens > contextLength ? undefined : name,
    code: 'context_length_exceeded',
  });
}

/** Characters of a token, on average over a whole context: no text comes near it. */
const CHARACTERS = 32;

/**
 * Throws ApiError 400 for a text that is far too long, before time goes into its tokens: nobody else is served while they
 * are counted.
 */
export function requireShort(characters: number, param: string, { contextLength }: ServedModel): void {
  if (characters <= contextLength * CHARACTERS) return;
  throw new ApiError(400, `the model sees ${contextLength} tokens; ${param} has ${characters} characters`, {
    param,
    code: 'context_length_exceeded',
  });
}

function readSeed(fields: Fields): number {
  const seed = fields.integer('seed') ?? randomInt(SEEDS - 1);
  return ((seed % SEEDS) + SEEDS) % SEEDS;
}

function readStops(fields: Fields): string[] {
  const given = fields.value('stop') ?? [];
  const stops: unknown[] = Array.isArray(given) ? given : [given];
  const isStop = (stop: unknown): stop is string =>
    typeof stop === 'string' && stop !== '' && stop.length <= MOST.stopCharacters;
  if (stops.length <= MOST.stops && stops.every(isStop)) return stops as string[];
  const rule = `must be a string or up to ${MOST.stops} of them, each of 1 to ${MOST.stopCharacters} characters`;
  throw badField('stop', rule, 'invalid_value');
}

function readIncludeUsage(options: Readonly<Record<string, unknown>>): boolean {
  const fields = readFields(options, 'stream_options.');
  const includeUsage = fields.flag('include_usage');
  fields.ignore('include_obfuscation');
  fields.finish();
  return includeUsage;
}

/**
 * Instruction data: what one line of a JSONL file asks and answers. Three forms, found by the keys of the line:
 *
 *   completion   {"prompt": "…", "completion": "…"}
 *   alpaca       {"instruction": "…", "input": "…", "output": "…"}, input may be absent or empty
 *   chat         {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}, …]}
 *
 * Preferences have "chosen" and "rejected" in place of the answer: text, or messages that end with the answer.
 */
import type { ChatMessage } from '../chat/chat-template.ts';
import { quoted } from '../errors.ts';
import type { FailLine } from '../text/jsonl.ts';

export const TUNING_FORMATS = ['completion', 'alpaca', 'chat'] as const;
export type TuningFormat = (typeof TUNING_FORMATS)[number];

export interface RecordPlace {
  readonly file: string;
  readonly line: number;
}

/** Plain text to go on from, or messages for a chat template; the last of these is the answer. */
export type Dialogue =
  | { readonly prompt: string; readonly completion: string }
  | { readonly messages: readonly ChatMessage[] };

/** One example of supervised fine-tuning. */
export interface TuningRecord {
  readonly place: RecordPlace;
  readonly dialogue: Dialogue;
}

/** Two answers to one question. */
export interface PreferenceRecord {
  readonly place: RecordPlace;
  readonly chosen: Dialogue;
  readonly rejected: Dialogue;
}

/** Reads the line as an example. `format`: the form that it must have; default: what its keys say. */
export function parseTuningRecord(
  value: object,
  place: RecordPlace,
  fail: FailLine,
  format?: TuningFormat,
): TuningRecord {
  const fields = fieldsOf(value, fail);
  const form =
    format ??
    formOf(fields, fail, {
      completion: ['prompt', 'completion'],
      alpaca: ['instruction', 'output'],
      chat: ['messages'],
    });
  if (form === 'chat') return { place, dialogue: { messages: fields.messages('messages') } };
  if (form === 'alpaca')
    return { place, dialogue: { messages: [fields.instruction(), answer(fields.text('output'))] } };
  return { place, dialogue: { prompt: fields.text('prompt'), completion: fields.text('completion') } };
}

/** Reads the line as a preference. Throws as `parseTuningRecord` does. */
export function parsePreferenceRecord(
  value: object,
  place: RecordPlace,
  fail: FailLine,
  format?: TuningFormat,
): PreferenceRecord {
  const fields = fieldsOf(value, fail);
  const answers = ['chosen', 'rejected'] as const;
  const isChat = Array.isArray(fields.get('chosen'));
  const form =
    format ??
    (isChat
      ? 'chat'
      : formOf(fields, fail, {
          completion: ['prompt', ...answers],
          alpaca: ['instruction', ...answers],
          chat: answers,
        }));
  const dialogue = (key: (typeof answers)[number]): Dialogue => {
    if (form === 'alpaca') return { messages: [fields.instruction(), answer(fields.text(key))] };
    if (form === 'completion') return { prompt: fields.text('prompt'), completion: fields.text(key) };
    const asked = ['prompt', 'messages'].find((name) => Array.isArray(fields.get(name)));
    return { messages: [...(asked ? fields.messages(asked) : []), ...fields.messages(key)] };
  };
  return { place, chosen: dialogue('chosen'), rejected: dialogue('rejected') };
}

const answer = (content: string): ChatMessage => ({ role: 'assistant', content });

interface Fields {
  readonly keys: readonly string[];
  get(key: string): unknown;
  text(key: string): string;
  messages(key: string): readonly ChatMessage[];
  /** What an Alpaca line asks: the instruction, and its input below it. */
  instruction(): ChatMessage;
}

function fieldsOf(value: object, fail: FailLine): Fields {
  const get = (key: string): unknown => (Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined);
  const text = (key: string): string => {
    const found = get(key);
    if (typeof found === 'string') return found;
    return fail(
      found === undefined
        ? `no key ${quoted(key)}, ${keysIn(value)}`
        : `key ${quoted(key)} must hold a string, got ${kindOf(found)}`,
    );
  };
  return {
    keys: Object.keys(value),
    get,
    text,
    messages(key) {
      const found = get(key);
      if (!Array.isArray(found) || found.length === 0)
        return fail(
          `key ${quoted(key)} must hold a list of messages, got ${kindOf(found)}`,
          'write [{"role": "user", "content": "…"}, …]',
        );
      for (const [index, message] of found.entries()) {
        const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
        if (typeof role !== 'string' || typeof content !== 'string')
          fail(
            `message ${index} of ${quoted(key)} must have a role and a content of text`,
            'write {"role": "user", "content": "…"}',
          );
      }
      return found as ChatMessage[];
    },
    instruction() {
      const input = get('input') === undefined ? '' : text('input');
      const asked = text('instruction');
      return { role: 'user', content: input.trim() === '' ? asked : `${asked}\n\n${input}` };
    },
  };
}

function formOf(
  { keys }: Fields,
  fail: FailLine,
  forms: Readonly<Record<TuningFormat, readonly string[]>>,
): TuningFormat {
  const found = TUNING_FORMATS.find((form) => forms[form].every((key) => keys.includes(key)));
  if (found) return found;
  const wanted = TUNING_FORMATS.map((form) => forms[form].map((key) => JSON.stringify(key)).join(' and '));
  return fail(
    `the keys must be ${wanted.join(', or ')}; ${keysIn(Object.fromEntries(keys.map((key) => [key, 0])))}`,
  );
}

function keysIn(value: object): string {
  const keys = Object.keys(value).slice(0, 8).map(quoted).join(', ');
  return keys ? `there are ${keys}` : 'the object is empty';
}

const kindOf = (value: unknown): string =>
  value === undefined ? 'nothing' : value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;

/** Options of the commands that write text, and what they mean to `generate`. */
import type { GenerateOptions } from 'qsparse';
import { type Arguments, integerFlag, numberFlag, type Option, UsageError } from './command.ts';

export const TEXT_OPTIONS: Readonly<Record<string, Option>> = {
  'max-tokens': { type: 'string', value: 'N', help: 'tokens to add (default 200)' },
  temperature: { type: 'string', value: 'T', help: '0 takes the likeliest token (default 0.8)' },
  'top-k': { type: 'string', value: 'K', help: 'choose among the K likeliest tokens (default: all)' },
  'top-p': {
    type: 'string',
    value: 'P',
    help: 'choose among the likeliest tokens that make up P (default 1)',
  },
  'min-p': {
    type: 'string',
    value: 'P',
    help: 'choose among tokens at least P times as probable as the likeliest (default 0)',
  },
  'repetition-penalty': {
    type: 'string',
    value: 'R',
    help: 'makes tokens that are there already less likely (default 1, which is off)',
  },
  'repetition-window': {
    type: 'string',
    value: 'N',
    help: 'newest tokens that the penalty is for (default: all)',
  },
  stop: {
    type: 'string',
    multiple: true,
    value: 'TEXT',
    help: 'end before this text; may be given repeatedly',
  },
  seed: { type: 'string', value: 'N', help: 'the same seed gives the same text (default 0)' },
  chunk: {
    type: 'string',
    value: 'N',
    help: 'tokens of the prompt that are read at once; fewer take less memory (default 128)',
  },
};

/** Throws UsageError naming the option. */
export function textOptions(
  command: string,
  { flags }: Arguments,
): GenerateOptions & { readonly maxTokens: number } {
  const integer = (name: string, min: number) => integerFlag(command, name, flags[name], { min });
  const number = (name: string, holds: (value: number) => boolean, rule: string): number | undefined => {
    const value = numberFlag(command, name, flags[name]);
    if (value === undefined || holds(value)) return value;
    throw new UsageError(`[${command}] --${name} must be ${rule}, got ${value}`);
  };
  const stopText = (flags.stop ?? []) as readonly string[];
  if (stopText.includes('')) throw new UsageError(`[${command}] --stop must be a text that is not empty`);
  return {
    maxTokens: integer('max-tokens', 1) ?? 200,
    temperature: number('temperature', (value) => value >= 0, '0 or more'),
    topK: integer('top-k', 0),
    topP: number('top-p', (value) => value > 0 && value <= 1, 'above 0 and at most 1'),
    minP: number('min-p', (value) => value >= 0 && value <= 1, 'from 0 to 1'),
    repetitionPenalty: number('repetition-penalty', (value) => value > 0, 'above 0'),
    repetitionWindow: integer('repetition-window', 0),
    stopText,
    seed: integer('seed', 0),
    chunkLength: integer('chunk', 1),
  };
}

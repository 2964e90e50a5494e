/** `qsparse generate MODEL --prompt TEXT`: continues a text, piece by piece. */
import { generate } from 'qsparse';
import { fromPretrained } from 'qsparse/node';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  integerFlag,
  numberFlag,
  requiredPositional,
  UsageError,
} from '../command.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { openDevice } from '../open-device.ts';

export const command: Command = {
  name: 'generate',
  usage: 'MODEL --prompt TEXT [--max-tokens N] [--temperature T] [--seed N]',
  summary: 'Continues a text with a model folder or the newest checkpoint of a run.',
  positionals: 1,
  options: {
    prompt: { type: 'string', value: 'TEXT', help: 'text to go on from (required)' },
    'max-tokens': { type: 'string', value: 'N', help: 'tokens to add (default 200)' },
    temperature: { type: 'string', value: 'T', help: '0 takes the likeliest token (default 0.8)' },
    'top-k': { type: 'string', value: 'K', help: 'choose among the K likeliest tokens (default: all)' },
    'top-p': {
      type: 'string',
      value: 'P',
      help: 'choose among the likeliest tokens that make up P (default 1)',
    },
    seed: { type: 'string', value: 'N', help: 'the same seed gives the same text (default 0)' },
    ...DEVICE_OPTIONS,
  },
  async run(args, output) {
    const path = requiredPositional(command, args, 'the model folder');
    const { prompt, ...options } = textOptions(args);
    const json = args.flags.json === true;
    const flags = deviceFlags('generate', args);
    const opened = await openDevice(flags, (line) => output.error(line));
    const interrupt = listenForInterrupt();
    try {
      const { signal } = interrupt;
      const { model, tokenizer } = await fromPretrained(path, opened, { signal });
      const start = performance.now();
      let text = '';
      const { stopTokens } = tokenizer;
      const pieces = generate(model, tokenizer, prompt, { ...options, stopTokens, signal });
      for await (const piece of pieces) {
        if (!json) output.write(text === '' ? prompt + piece : piece);
        text += piece;
      }
      const seconds = (performance.now() - start) / 1000;
      output.line(json ? JSON.stringify({ prompt, text, seconds }) : '');
      return interrupt.exitCode ?? 0;
    } catch (error) {
      if (interrupt.exitCode !== undefined && error === interrupt.signal.reason) return interrupt.exitCode;
      throw error;
    } finally {
      interrupt.dispose();
      opened.dispose();
    }
  },
};

/** Throws UsageError naming the option. */
function textOptions({ flags }: Arguments) {
  const { prompt } = flags;
  if (typeof prompt !== 'string' || prompt === '')
    throw new UsageError('[generate] --prompt TEXT is required: text to go on from');
  const integer = (name: string, min: number) => integerFlag('generate', name, flags[name], { min });
  const temperature = numberFlag('generate', 'temperature', flags.temperature);
  if (temperature !== undefined && temperature < 0)
    throw new UsageError(`[generate] --temperature must be 0 or more, got ${temperature}`);
  const topP = numberFlag('generate', 'top-p', flags['top-p']);
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    throw new UsageError(`[generate] --top-p must be above 0 and at most 1, got ${topP}`);
  return {
    prompt,
    maxTokens: integer('max-tokens', 1) ?? 200,
    temperature,
    topK: integer('top-k', 0),
    topP,
    seed: integer('seed', 0),
  };
}

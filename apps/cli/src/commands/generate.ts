/** `qsparse generate MODEL --prompt TEXT`: continues a text, piece by piece. */
import { type DeviceName, device, generate } from 'qsparse';
import { fromPretrained } from 'qsparse/node';
import { type Command, integerFlag, numberFlag, requiredPositional, UsageError } from '../command.ts';

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
    device: { type: 'string', value: 'NAME', help: 'cpu, reference or auto (default)' },
    threads: { type: 'string', value: 'N', help: 'threads of the cpu device (default: all cores)' },
  },
  async run(args) {
    const path = requiredPositional(command, args, 'the model folder');
    const { flags } = args;
    const prompt = flags.prompt;
    if (typeof prompt !== 'string' || prompt === '')
      throw new UsageError('[generate] --prompt TEXT is required: text to go on from');
    const integer = (name: string, min = 0) => integerFlag('generate', name, flags[name], { min });
    const options = {
      maxTokens: integer('max-tokens', 1) ?? 200,
      temperature: numberFlag('generate', 'temperature', flags.temperature),
      topK: integer('top-k'),
      topP: numberFlag('generate', 'top-p', flags['top-p']),
      seed: integer('seed'),
    };
    const opened = await device((flags.device ?? 'auto') as DeviceName, { threads: integer('threads', 1) });
    const stop = new AbortController();
    const onInterrupt = () => stop.abort();
    process.once('SIGINT', onInterrupt);
    try {
      const { model, tokenizer } = await fromPretrained(path, opened);
      const start = performance.now();
      let text = '';
      let pieces = 0;
      if (!flags.json) process.stdout.write(prompt);
      for await (const piece of generate(model, tokenizer, prompt, {
        ...options,
        stopTokens: [tokenizer.endOfText],
        signal: stop.signal,
      })) {
        text += piece;
        pieces += 1;
        if (!flags.json) process.stdout.write(piece);
      }
      const seconds = (performance.now() - start) / 1000;
      if (flags.json) console.log(JSON.stringify({ prompt, text, seconds }));
      else process.stdout.write(`\n`);
      if (!flags.json && process.stderr.isTTY) console.error(`${pieces} pieces in ${seconds.toFixed(1)} s`);
      model.dispose();
      return 0;
    } finally {
      process.off('SIGINT', onInterrupt);
      opened.dispose();
    }
  },
};

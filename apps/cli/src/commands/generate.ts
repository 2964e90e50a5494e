/** `qsparse generate MODEL --prompt TEXT`: continues a text, piece by piece. */
import { generateSteps, type TextStep } from 'qsparse';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  integerFlag,
  requiredPositional,
  UsageError,
} from '../command.ts';
import { interruptible } from '../interrupt.ts';
import { MODEL_OPTIONS, modelFlags, openModel } from '../model-options.ts';
import { openDevice } from '../open-device.ts';
import { SHOWCASE_HINT } from '../showcase.ts';
import { TEXT_OPTIONS, textOptions } from '../text-options.ts';

export const command: Command = {
  name: 'generate',
  usage: 'MODEL --prompt TEXT [--max-tokens N] [--temperature T] [--seed N]',
  summary:
    'Continues a text with a model: a folder, the newest checkpoint of a run, a GGUF file, owner/name on the Hugging Face Hub, or `showcase`, which is installed.',
  positionals: 1,
  options: {
    prompt: { type: 'string', value: 'TEXT', help: 'text to go on from (required)' },
    ...TEXT_OPTIONS,
    logprobs: {
      type: 'string',
      value: 'N',
      help: 'with --json: log probabilities of each token and of the N likeliest',
    },
    ...MODEL_OPTIONS,
    ...DEVICE_OPTIONS,
  },
  async run(args, output) {
    const path = requiredPositional(command, args, 'the model folder', SHOWCASE_HINT);
    const prompt = promptOf(args);
    const json = args.flags.json === true;
    const options = { ...textOptions('generate', args), logprobs: logprobsOf(args, json) };
    const flags = deviceFlags('generate', args);
    const source = modelFlags('generate', args);
    const note = (line: string): void => output.error(line);
    const opened = await openDevice(flags, note);
    try {
      return await interruptible(async (interrupt) => {
        const { signal } = interrupt;
        const { model, tokenizer } = await openModel(path, opened, source, { signal, note });
        const start = performance.now();
        let text = '';
        const { stopTokens } = tokenizer;
        const steps: TextStep[] = [];
        for await (const step of generateSteps(model, tokenizer, prompt, {
          ...options,
          stopTokens,
          signal,
        })) {
          if (json) steps.push(step);
          else if (step.text) output.write(text === '' ? prompt + step.text : step.text);
          text += step.text;
        }
        const seconds = (performance.now() - start) / 1000;
        output.line(
          json ? JSON.stringify({ prompt, text, seconds, ...summary(steps, options.logprobs) }) : '',
        );
        return interrupt.exitCode ?? 0;
      });
    } finally {
      opened.dispose();
    }
  },
};

/** Throws UsageError. */
function promptOf({ flags: { prompt } }: Arguments): string {
  if (typeof prompt === 'string' && prompt !== '') return prompt;
  throw new UsageError('[generate] --prompt TEXT is required: text to go on from');
}

/** Throws UsageError. */
function logprobsOf({ flags }: Arguments, json: boolean): number | undefined {
  const count = integerFlag('generate', 'logprobs', flags.logprobs, { min: 0 });
  if (count !== undefined && !json)
    throw new UsageError('[generate] --logprobs is printed with --json alone');
  return count;
}

/** Why the text ended; how many tokens it has, or the tokens themselves where their probabilities are wanted. */
function summary(steps: readonly TextStep[], logprobs: number | undefined): object {
  const tokens = steps.flatMap(({ token }) => token ?? []);
  return { end: steps.at(-1)?.end, tokens: logprobs === undefined ? tokens.length : tokens };
}

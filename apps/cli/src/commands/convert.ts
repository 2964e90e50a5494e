/** `qsparse convert SRC OUT`: a published or trained model as a Q-Sparse model, with what that costs on a text. */
import type { Sparsity } from '@qsparse/layers';
import { type ConvertOptions, convertedDecoder, formatModelConfig, parseBlock, storedWeights } from '@qsparse/models';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  integerFlag,
  numberFlag,
  PROGRAM,
  UsageError,
} from '../command.ts';
import { openSource, type Source } from '../convert/source.ts';
import { requireFree, writeModelFolder } from '../convert/write-folder.ts';
import { listenForInterrupt } from '../interrupt.ts';
import type { Output } from '../output.ts';

export const command: Command = {
  name: 'convert',
  usage: 'SRC OUT [--sparsity 0.5 | --block 16:32] [--weights ternary|full] [--activation relu2|keep] [--calibrate FILE]',
  summary:
    'Writes a model (folder, run, or llama2.c .bin file beside its tokenizer) as a Q-Sparse model folder that generates and trains.',
  positionals: 2,
  options: {
    sparsity: { type: 'string', value: 'S', help: 'share of the inputs of linear layers that is left out' },
    block: { type: 'string', value: 'KEEP:BLOCK', help: 'keep so many of every block of inputs: 16:32' },
    weights: { type: 'string', value: 'ternary|full', help: 'ternary brings int8 activations (default: as they are)' },
    activation: { type: 'string', value: 'relu2|keep', help: 'of the feed-forward gate (default keep)' },
    ...DEVICE_OPTIONS,
  },
  async run(args, output) {
    const [from, to] = twoPaths(command, args);
    const options = convertOptions(args);
    await requireFree('convert', to);
    const interrupt = listenForInterrupt();
    try {
      const source = await openSource(from);
      await writeConverted(source, to, options, interrupt.signal);
      report(source, to, options, args, output);
      return 0;
    } catch (error) {
      if (interrupt.exitCode !== undefined && error === interrupt.signal.reason) return interrupt.exitCode;
      throw error;
    } finally {
      interrupt.dispose();
    }
  },
};

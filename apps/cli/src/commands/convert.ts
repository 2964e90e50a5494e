/** `qsparse convert SRC OUT`: a published or trained model as a Q-Sparse model, with what that costs on a text. */
import {
  type ConvertOptions,
  convertedDecoder,
  formatModelConfig,
  parseBlock,
  storedWeights,
} from '@qsparse/models';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  integerFlag,
  numberFlag,
  UsageError,
} from '../command.ts';
import { type CalibrationReport, calibrate } from '../convert/calibrate.ts';
import { calibrationLines } from '../convert/report.ts';
import { openSource, type Source } from '../convert/source.ts';
import { requireFree, twoPaths, writeModelFolder } from '../convert/write-folder.ts';
import { interruptible } from '../interrupt.ts';
import { HUB_OPTIONS, hubFlags, namedFilesOf } from '../model-options.ts';
import { openDevice } from '../open-device.ts';
import type { Output } from '../output.ts';

export const command: Command = {
  name: 'convert',
  usage:
    'SRC OUT [--sparsity 0.5 | --block 16:32] [--weights ternary|full] [--activation relu2|keep] [--calibrate FILE [--greedy]]',
  summary:
    'Writes a model (a folder, a run, a GGUF file, a llama2.c .bin file beside its tokenizer, owner/name on the Hugging Face Hub) as a Q-Sparse model folder. Quality usually needs more training: --calibrate shows what a conversion costs.',
  positionals: 2,
  options: {
    sparsity: { type: 'string', value: 'S', help: 'share of the inputs of linear layers that is left out' },
    block: { type: 'string', value: 'KEEP:BLOCK', help: 'keep so many of every block of inputs: 16:32' },
    weights: {
      type: 'string',
      value: 'W',
      help: 'ternary (with int8 activations) or full (default: as they are)',
    },
    activation: { type: 'string', value: 'A', help: 'of the feed-forward gate: relu2 or keep (default)' },
    calibrate: {
      type: 'string',
      value: 'FILE',
      help: 'text to measure the loss on, as a whole and site by site',
    },
    'calibrate-tokens': { type: 'string', value: 'N', help: 'tokens of it that are used (default 2048)' },
    greedy: { type: 'boolean', help: 'choose a share for every site, --sparsity in all (needs --calibrate)' },
    ...HUB_OPTIONS,
    ...DEVICE_OPTIONS,
  },
  async run(args, output) {
    const [from, to] = twoPaths(command, args);
    const wanted = convertOptions(args);
    const calibration = calibrationFlags(args, wanted);
    const device = deviceFlags('convert', args);
    const hub = hubFlags('convert', args);
    await requireFree('convert', to);
    const note = (line: string): void => output.error(line);
    return await interruptible(async ({ signal }) => {
      const source = await openSource(from, await namedFilesOf(from, hub, { signal, note }));
      convertedDecoder(source.decoder, wanted); // refused before anything is measured
      let [options, report]: [ConvertOptions, CalibrationReport | undefined] = [wanted, undefined];
      if (calibration) {
        const opened = await openDevice(device, note);
        try {
          ({ options, report } = await calibrate(source, opened, wanted, { ...calibration, signal, note }));
        } finally {
          opened.dispose();
        }
      }
      await write(source, to, options, signal);
      print(source, to, { report, json: args.flags.json === true }, output);
      return 0;
    });
  },
};

async function write(
  { decoder: from, ternaryScale, beginOfText, endOfText, tokenizer, openWeights }: Source,
  path: string,
  options: ConvertOptions,
  signal: AbortSignal,
): Promise<void> {
  const { decoder, form } = convertedDecoder(from, options);
  const store = await openWeights();
  try {
    const tensors = storedWeights(from, store, { ternaryScale, form });
    const config = formatModelConfig(decoder, { beginOfText, endOfText });
    await writeModelFolder(path, { config, files: tokenizer, tensors }, signal);
  } finally {
    await store.close();
  }
}

function print(
  source: Source,
  path: string,
  { report, json }: { readonly report: CalibrationReport | undefined; readonly json: boolean },
  output: Output,
): void {
  const hasTokenizer = source.tokenizer['tokenizer.json'] !== undefined;
  if (json) {
    output.line(JSON.stringify({ source: source.name, path, hasTokenizer, calibration: report }));
    return;
  }
  for (const line of report ? calibrationLines(report) : []) output.line(line);
  output.line(`${report ? '\n' : ''}${path} is written`);
  if (!hasTokenizer)
    output.error(`${source.name} has no tokenizer.json, so ${path} has none: generate needs it`);
}

/** Throws UsageError naming the option. */
function convertOptions({ flags }: Arguments): ConvertOptions {
  const { block, weights, activation } = flags;
  const share = numberFlag('convert', 'sparsity', flags.sparsity);
  if (share !== undefined && block !== undefined)
    throw new UsageError('[convert] --sparsity and --block exclude each other; give one of them');
  if (share !== undefined && !(share >= 0 && share < 1))
    throw new UsageError(`[convert] --sparsity must be at least 0 and below 1, got ${share}`);
  const blocks = block === undefined ? undefined : parseBlock(String(block));
  if (block !== undefined && !blocks)
    throw new UsageError(`[convert] --block must be KEEP:BLOCK, for instance 16:32, got "${block}"`);
  if (weights !== undefined && weights !== 'ternary' && weights !== 'full')
    throw new UsageError(`[convert] --weights must be ternary or full, got "${weights}"`);
  if (activation !== undefined && activation !== 'relu2' && activation !== 'keep')
    throw new UsageError(`[convert] --activation must be relu2 or keep, got "${activation}"`);
  const topK = share === 0 ? ({ kind: 'dense' } as const) : ({ kind: 'top-k', sparsity: share! } as const);
  return {
    sparsity: share === undefined ? blocks : topK,
    weights,
    activation: activation === 'relu2' ? 'squared-relu' : undefined,
  };
}

interface CalibrationFlags {
  readonly file: string;
  readonly tokens: number;
  readonly greedy: boolean;
}

/** Undefined where nothing is to be measured. Throws UsageError. */
function calibrationFlags({ flags }: Arguments, { sparsity }: ConvertOptions): CalibrationFlags | undefined {
  const greedy = flags.greedy === true;
  const tokens = integerFlag('convert', 'calibrate-tokens', flags['calibrate-tokens'], { min: 2 });
  if (greedy && sparsity?.kind !== 'top-k')
    throw new UsageError('[convert] --greedy chooses shares for a target: give --sparsity above 0');
  if (typeof flags.calibrate === 'string' && flags.calibrate !== '')
    return { file: flags.calibrate, tokens: tokens ?? 2048, greedy };
  if (flags.calibrate === undefined && !greedy && tokens === undefined) return undefined;
  throw new UsageError('[convert] --calibrate FILE is required: a text to measure the loss on');
}

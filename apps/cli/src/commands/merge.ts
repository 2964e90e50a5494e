/** `qsparse merge ADAPTER OUT`: a base model with a LoRA adapter in its weights, or the averaged weights of a run, as a model folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, parseConfig, type TensorStore, type TensorToWrite } from '@qsparse/formats';
import { openFileReader, readFileBytes } from '@qsparse/formats/node';
import { formatModelConfig, parseModelConfig, storedWeights } from '@qsparse/models';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, mergedWeights, parseAdapterConfig } from '@qsparse/models/lora';
import { checkpointFolders } from '@qsparse/training/node';
import { type Command, UsageError } from '../command.ts';
import { openSource, type Source } from '../convert/source.ts';
import { requireFree, twoPaths, writeModelFolder } from '../convert/write-folder.ts';
import { interruptible } from '../interrupt.ts';

export const command: Command = {
  name: 'merge',
  usage: 'ADAPTER OUT [--base MODEL] | RUN OUT --ema',
  summary:
    'Writes a LoRA adapter (of a run of train, or of PEFT) with its base as one model folder; with --ema the average of the weights that a run kept.',
  positionals: 2,
  options: {
    base: {
      type: 'string',
      value: 'MODEL',
      help: 'the model that the adapter is for (default: what it names)',
    },
    ema: { type: 'boolean', help: 'the moving average of the weights, of a run with the setting ema' },
  },
  async run(args, output) {
    const [from, to] = twoPaths(command, args);
    const base = args.flags.base as string | undefined;
    await requireFree('merge', to);
    const folder = (await checkpointFolders(from)).at(-1) ?? from;
    return await interruptible(async ({ signal }) => {
      const name =
        args.flags.ema === true
          ? await mergeAverage(folder, to, signal)
          : await mergeAdapter(folder, to, base, signal);
      if (args.flags.json) output.line(JSON.stringify({ source: folder, base: name, path: to }));
      else output.line(`${to} is written: ${folder}${name === folder ? '' : ` merged into ${name}`}`);
      return 0;
    });
  },
};

/** Returns the base. The selection is that of the run, where the adapter comes from one. */
async function mergeAdapter(
  folder: string,
  to: string,
  given: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const path = join(folder, ADAPTER_CONFIG);
  if (!existsSync(path))
    throw new UsageError(
      `[merge] ${folder} holds no ${ADAPTER_CONFIG}; give a run with lora-rank, or an adapter of PEFT`,
    );
  const adapter = parseAdapterConfig(parseConfig(await readFileBytes(path), path), path);
  const name = given ?? adapter.base;
  if (name === undefined) throw new UsageError(`[merge] ${path} names no base; give it with --base`);
  const source = await openSource(name);
  const own = join(folder, 'config.json');
  const decoder = existsSync(own)
    ? parseModelConfig(parseConfig(await readFileBytes(own), own), own).decoder
    : source.decoder;
  const [weights, update] = await openBoth(
    () => source.openWeights(),
    async () => openSafetensors(await openFileReader(join(folder, ADAPTER_WEIGHTS))),
  );
  try {
    const { ternaryScale } = source;
    const tensors = mergedWeights(storedWeights(source.decoder, weights, { ternaryScale }), update, adapter);
    await write(to, { source, decoder, tensors, folder }, signal);
  } finally {
    await weights.close();
    await update.close();
  }
  return name;
}

async function mergeAverage(folder: string, to: string, signal: AbortSignal): Promise<string> {
  const source = await openSource(folder);
  const store = await openSafetensors(await openFileReader(join(folder, 'optimizer.safetensors')));
  try {
    const averages = new Map(
      [...store.tensors]
        .filter(([name]) => name.startsWith('ema.'))
        .map(([name, info]) => [name.slice(4), info]),
    );
    if (averages.size === 0)
      throw new UsageError(`[merge] ${folder} holds no average of its weights; train with the setting ema`);
    const average: TensorStore = {
      ...store,
      tensors: averages,
      read: (name, ...rest) => store.read(`ema.${name}`, ...rest),
    };
    const tensors = storedWeights(source.decoder, average);
    await write(to, { source, decoder: source.decoder, tensors, folder }, signal);
  } finally {
    await store.close();
  }
  return folder;
}

interface Merged {
  readonly source: Source;
  readonly decoder: Source['decoder'];
  readonly tensors: readonly TensorToWrite[];
  /** Whose chat template wins over that of the base. */
  readonly folder: string;
}

async function write(
  path: string,
  { source, decoder, tensors, folder }: Merged,
  signal: AbortSignal,
): Promise<void> {
  const { beginOfText, endOfText, tokenizer } = source;
  const template = join(folder, CHAT_TEMPLATE);
  const files = {
    ...tokenizer,
    ...(existsSync(template) && { [CHAT_TEMPLATE]: await readFileBytes(template) }),
  };
  await writeModelFolder(
    path,
    { config: formatModelConfig(decoder, { beginOfText, endOfText }), files, tensors },
    signal,
  );
}

const CHAT_TEMPLATE = 'chat_template.jinja';

/** Neither stays open where the other cannot be opened. */
async function openBoth(
  first: () => Promise<TensorStore>,
  second: () => Promise<TensorStore>,
): Promise<[TensorStore, TensorStore]> {
  const opened = await first();
  try {
    return [opened, await second()];
  } catch (error) {
    await opened.close();
    throw error;
  }
}

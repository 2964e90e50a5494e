/** `qsparse export MODEL OUT --format F`: a model for transformers or llama.cpp, where these can compute it, or packed for us. */
import { stat } from 'node:fs/promises';
import { WRITABLE_TYPES, type WritableType } from '@qsparse/formats/gguf';
import type { DecoderConfig } from '@qsparse/layers';
import { withContext } from '@qsparse/models';
import { type Arguments, type Command, integerFlag, UsageError } from '../command.ts';
import { ggufExporter } from '../convert/export-gguf.ts';
import { packedExporter } from '../convert/export-packed.ts';
import { qsparseExporter, safetensorsExporter } from '../convert/export-safetensors.ts';
import { openSource, type Source } from '../convert/source.ts';
import { requireFree, twoPaths } from '../convert/write-folder.ts';
import { interruptible } from '../interrupt.ts';
import { HUB_OPTIONS, hubFlags, namedFilesOf } from '../model-options.ts';

export const command: Command = {
  name: 'export',
  usage:
    'MODEL OUT --format safetensors|gguf|qsparse|--packed-decode [--packed] [--type TQ2_0] [--context-length N] [--allow-dense]',
  summary:
    'Writes a model (a folder, a run, a GGUF file, a llama2.c .bin file, owner/name on the Hugging Face Hub) as a folder for transformers, as a GGUF file for llama.cpp, or as a Q-Sparse folder with packed ternary weights.',
  positionals: 2,
  options: {
    format: {
      type: 'string',
      value: 'F',
      help: 'safetensors (a folder), gguf (a file) or qsparse (a folder)',
    },
    'packed-decode': {
      type: 'boolean',
      help: 'in place of --format: a folder with ternary weights as decoding reads them, which loads without floats',
    },
    packed: { type: 'boolean', help: 'safetensors: ternary weights four to a byte, beside their scale' },
    'int8-vocabulary': {
      type: 'boolean',
      help: 'packed-decode: embedding and head in int8, which is a quarter of the bytes and not exact',
    },
    type: {
      type: 'string',
      value: 'T',
      help: `gguf: ${WRITABLE_TYPES.join(', ')} (default F16, or TQ2_0 for ternary weights)`,
    },
    'context-length': {
      type: 'string',
      value: 'N',
      help: "longest text that the file is for: one within a sliding window needs no window (default: the model's own)",
    },
    'allow-dense': {
      type: 'boolean',
      help: 'write it also where the other program computes something else, without selection for one',
    },
    ...HUB_OPTIONS,
  },
  async run(args, output) {
    const [from, to] = twoPaths(command, args);
    const choice = formatOf(args);
    const contextLength = integerFlag('export', 'context-length', args.flags['context-length'], { min: 1 });
    const hub = hubFlags('export', args);
    if (choice.format === 'gguf') await requireNoFile(to);
    else await requireFree('export', to);
    return await interruptible(async ({ signal }) => {
      const files = await namedFilesOf(from, hub, { signal, note: (line) => output.error(line) });
      const source = withLength(await openSource(from, files), contextLength);
      const isTernary = source.decoder.linear.weights === 'ternary';
      const exporter =
        choice.format === 'packed-decode'
          ? packedExporter(source, choice.vocabulary)
          : choice.format === 'gguf'
            ? await ggufExporter(source, choice.type ?? (isTernary ? 'TQ2_0' : 'F16'))
            : choice.format === 'qsparse'
              ? qsparseExporter(source)
              : await safetensorsExporter(source, choice.packed);
      const { what, differences, notes } = exporter;
      if (differences.length > 0 && args.flags['allow-dense'] !== true)
        throw new UsageError(
          `[export] ${what} would compute something else: ${differences.join('; ')}. Give ${wayOut(source.decoder)}`,
        );
      await exporter.write(to, signal);
      if (args.flags.json)
        output.line(JSON.stringify({ source: source.name, path: to, what, differences, notes }));
      else {
        output.line(`${to} is written: ${what}`);
        for (const difference of differences) output.line(`  unlike the model: ${difference}`);
        for (const note of notes) output.line(`  ${note}`);
      }
      return 0;
    });
  },
};

/** Throws ValueError for a length that the model's positions do not reach. */
function withLength(source: Source, contextLength: number | undefined): Source {
  return { ...source, decoder: withContext(source.decoder, contextLength) };
}

function wayOut({ slidingWindow, contextLength }: DecoderConfig): string {
  const allow = '--allow-dense to write it all the same';
  const isShort = slidingWindow > 0 && slidingWindow < contextLength;
  return isShort ? `--context-length ${slidingWindow} for texts within the window, or ${allow}` : allow;
}

type Choice =
  | { readonly format: 'packed-decode'; readonly vocabulary: 'int8' | undefined }
  | { readonly format: 'qsparse' }
  | { readonly format: 'safetensors'; readonly packed: boolean }
  | { readonly format: 'gguf'; readonly type: WritableType | undefined };

/** Throws UsageError. */
function formatOf({ flags }: Arguments): Choice {
  const { format, type } = flags;
  const packed = flags.packed === true;
  const vocabulary = flags['int8-vocabulary'] === true ? 'int8' : undefined;
  if (flags['packed-decode'] === true) {
    if (format === undefined && type === undefined && !packed) return { format: 'packed-decode', vocabulary };
    throw new UsageError(
      '[export] --packed-decode is a format of its own; leave --format, --type and --packed out',
    );
  }
  if (vocabulary) throw new UsageError('[export] --int8-vocabulary is for --packed-decode');
  if (format !== 'safetensors' && format !== 'gguf' && format !== 'qsparse')
    throw new UsageError(
      `[export] --format safetensors, gguf or qsparse is required${format === undefined ? '' : `, got "${format}"`}`,
    );
  if (format === 'qsparse') {
    if (type === undefined && !packed) return { format };
    throw new UsageError(
      '[export] --type and --packed are not for --format qsparse, which packs what it can',
    );
  }
  if (format === 'safetensors') {
    if (type === undefined) return { format, packed };
    throw new UsageError('[export] --type is for --format gguf; safetensors keep the dtype of the model');
  }
  if (packed) throw new UsageError('[export] --packed is for --format safetensors; give --type TQ2_0');
  const found = WRITABLE_TYPES.find((each) => each === String(type).toUpperCase());
  if (type === undefined || found) return { format, type: found };
  throw new UsageError(`[export] --type must be one of ${WRITABLE_TYPES.join(', ')}, got "${type}"`);
}

/** Throws UsageError for a path that exists. */
async function requireNoFile(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) throw new UsageError(`[export] ${path} must be a new file; choose another name`);
}

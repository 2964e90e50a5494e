/** `qsparse export MODEL OUT --format F`: a model for transformers or llama.cpp, where these can compute it. */
import { stat } from 'node:fs/promises';
import { WRITABLE_TYPES, type WritableType } from '@qsparse/formats/gguf';
import type { DecoderConfig } from '@qsparse/layers';
import { withContext } from '@qsparse/models';
import { type Arguments, type Command, integerFlag, UsageError } from '../command.ts';
import { ggufExporter } from '../convert/export-gguf.ts';
import { safetensorsExporter } from '../convert/export-safetensors.ts';
import { openSource, type Source } from '../convert/source.ts';
import { requireFree, twoPaths } from '../convert/write-folder.ts';
import { interruptible } from '../interrupt.ts';
import { HUB_OPTIONS, hubFilesOf, hubFlags } from '../model-options.ts';

export const command: Command = {
  name: 'export',
  usage: 'MODEL OUT --format safetensors|gguf [--packed] [--type TQ2_0] [--context-length N] [--allow-dense]',
  summary:
    'Writes a model (a folder, a run, a GGUF file, a llama2.c .bin file, owner/name on the Hugging Face Hub) as a folder for transformers, or as a GGUF file for llama.cpp.',
  positionals: 2,
  options: {
    format: { type: 'string', value: 'F', help: 'safetensors (a folder) or gguf (a file); required' },
    packed: { type: 'boolean', help: 'safetensors: ternary weights four to a byte, beside their scale' },
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
      const files = await hubFilesOf(from, hub, { signal, note: (line) => output.error(line) });
      const source = withLength(await openSource(from, files), contextLength);
      const isTernary = source.decoder.linear.weights === 'ternary';
      const exporter =
        choice.format === 'gguf'
          ? await ggufExporter(source, choice.type ?? (isTernary ? 'TQ2_0' : 'F16'))
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
  | { readonly format: 'safetensors'; readonly packed: boolean }
  | { readonly format: 'gguf'; readonly type: WritableType | undefined };

/** Throws UsageError. */
function formatOf({ flags }: Arguments): Choice {
  const { format, type } = flags;
  const packed = flags.packed === true;
  if (format !== 'safetensors' && format !== 'gguf')
    throw new UsageError(
      `[export] --format safetensors or --format gguf is required${format === undefined ? '' : `, got "${format}"`}`,
    );
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

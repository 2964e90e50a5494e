/** What a run learns from, whatever its task is: batches with an exact position, and what the reports say of them. */
import type { Tokenizer } from '@qsparse/data';
import { evaluationBatches } from '@qsparse/data';
import type { Decoder } from '@qsparse/layers';
import { type BatchSource, textBatches, type ValidationBatch } from '@qsparse/training';
import type { Corpus } from './corpus.ts';
import type { RunText } from './report.ts';
import { SettingError, type Settings } from './settings.ts';

export interface RunBatches {
  readonly train: BatchSource;
  readonly validation: Iterable<ValidationBatch>;
}

export interface RunData extends RunText {
  readonly tokenizer: Tokenizer;
  /** Rows, or pairs, of the first epochs: what batches are made of. */
  rows(epochs: number): number;
  /** What the user should know: how many examples there are, and how many were left out. */
  readonly notes: readonly string[];
  /** Files of each checkpoint beside those of model and tokenizer. */
  readonly files: Readonly<Record<string, string>>;
  /** What a sample text goes on from. */
  readonly samplePrompt: Int32Array;
  readonly stopTokens: readonly number[];
  /** `model` is as the run begins. */
  batches(model: Decoder): Promise<RunBatches>;
}

/**
 * Throws SettingError in the words of the settings where the text fills no row.
 * @param identity what else a resume must find unchanged
 */
export function textData(corpus: Corpus, settings: Settings, identity: string): RunData {
  const { tokenizer, train, validation } = corpus;
  const { batch: batchSize, context: rowLength, seed } = settings;
  for (const [part, { length }] of Object.entries({ train, validation })) {
    if (length > rowLength) continue;
    throw new SettingError(
      `[train] the ${part} part of the text has ${length} tokens, a row of context ${rowLength} needs ${rowLength + 1}; give more text, a smaller --context${part === 'validation' ? ' or a larger --validation' : ''}`,
    );
  }
  const samplePrompt = tokenizer.encode(settings['sample-prompt']);
  requireSamplePrompt(samplePrompt, settings);
  return {
    ...corpus,
    rows: (epochs) => Math.floor(Math.floor((train.length - 1) / rowLength) * epochs),
    notes: [],
    files: {},
    samplePrompt,
    stopTokens: [tokenizer.endOfText],
    async batches() {
      const batches = textBatches(train, { batchSize, rowLength, seed });
      return {
        train: { ...batches, fingerprint: batches.fingerprint + identity },
        validation: evaluationBatches(validation, {
          batchSize,
          rowLength,
          maxBatches: settings['validation-batches'],
        }),
      };
    },
  };
}

/** Throws SettingError for a prompt that leaves no room or is empty. */
export function requireSamplePrompt({ length }: Int32Array, { context }: Settings): void {
  if (length > 0 && length <= context) return;
  throw new SettingError(
    `[train] sample-prompt must have 1 to ${context} tokens, as many as the context, got ${length}`,
  );
}

/** Updates of the run: as many as the epochs take, or as the settings say. */
export function stepsOf({ rows }: RunData, { epochs, steps, batch, accumulation }: Settings): number {
  return epochs > 0 ? Math.max(1, Math.ceil(rows(epochs) / (batch * accumulation))) : steps;
}

/** Examples of supervised fine-tuning and preferences, from files to batches. */
import { createPauses } from '@qsparse/core';
import { type BatchPosition, type PretrainedTokenizer, toTokens } from '@qsparse/data';
import { readObjectFiles } from '@qsparse/data/node';
import {
  countPackedRows,
  type Example,
  evaluationPacks,
  evaluationPairs,
  fingerprintExamples,
  type Pair,
  type PreferenceRecord,
  packExamples,
  pairBatches,
  parsePreferenceRecord,
  parseTuningRecord,
  splitExamples,
  type TuningRecord,
} from '@qsparse/data/tuning';
import type { Batch, BatchSource } from '@qsparse/training';
import type { RunData } from './data.ts';
import { type Dialogues, openDialogues } from './dialogues.ts';
import { referenceLosses } from './reference.ts';
import { SettingError, type Settings } from './settings.ts';

interface TuningOptions {
  readonly settings: Settings;
  readonly tokenizer: PretrainedTokenizer;
  /** Adds to the identity of the data: what else a resume must find unchanged. */
  readonly identity?: string | undefined;
  /** Whether the tokenizer is that of a checkpoint of the run. */
  readonly resumed: boolean;
  readonly signal: AbortSignal;
}

/** Throws TextError naming file and line, SettingError, PackingError, and the signal's reason. */
export async function readTuningData(files: readonly string[], options: TuningOptions): Promise<RunData> {
  const { settings, tokenizer, identity, signal } = options;
  const dialogues = await openDialogues(settings, tokenizer, options);
  const { batch: batchSize, context: rowLength, seed } = settings;
  const examples: Example[] = [];
  const pause = createPauses();
  const take: Take<TuningRecord> = (value, place, fail) => [
    parseTuningRecord(value, place, fail, formatOf(settings)),
  ];
  for await (const { dialogue, place } of readObjectFiles(files, take, options)) {
    signal.throwIfAborted();
    const example = dialogues.unlessUnusable(() => dialogues.encode(dialogue, place));
    if (example) examples.push(example);
    await pause();
  }
  requireSome(examples.length, dialogues, files);
  const { train, validation } = splitExamples(examples, { validationFraction: settings.validation, seed });
  return {
    tokenizer,
    ...learnt(dialogues),
    train: { length: train.reduce((sum, { tokens }) => sum + tokens.length, 0) },
    validation: tokensOf(validation, tokenizer.vocabularySize),
    unit: 'a token of a completion',
    notes: [countsInWords('examples', train.length, validation.length, dialogues)],
    rows: (epochs) => scaled(epochs, (whole) => countPackedRows(train, { rowLength, seed }, whole)),
    batches: async () => ({
      train: sourceOf(
        (position) => packExamples(train, { batchSize, rowLength, seed, ...position }),
        `${fingerprintExamples(train)}-${rowLength}-${seed}${identity ?? ''}`,
        true,
      ),
      validation: evaluationPacks(validation, {
        batchSize,
        rowLength,
        maxBatches: settings['validation-batches'],
      }),
    }),
  };
}

/** The same for preferences. `referencePath`: where the run keeps what the reference model says of them. */
export async function readPreferenceData(
  files: readonly string[],
  options: TuningOptions & { readonly referencePath: string; readonly resume: boolean },
): Promise<RunData> {
  const { settings, tokenizer, identity, signal } = options;
  const dialogues = await openDialogues(settings, tokenizer, options);
  const { batch: batchSize, seed } = settings;
  const both: Omit<Pair, 'reference'>[] = [];
  const pause = createPauses();
  const take: Take<PreferenceRecord> = (value, place, fail) => [
    parsePreferenceRecord(value, place, fail, formatOf(settings)),
  ];
  for await (const { chosen, rejected, place } of readObjectFiles(files, take, options)) {
    signal.throwIfAborted();
    const pair = dialogues.unlessUnusable(() => ({
      chosen: dialogues.encode(chosen, place),
      rejected: dialogues.encode(rejected, place),
    }));
    if (pair) both.push(pair);
    await pause();
  }
  requireSome(both.length, dialogues, files);
  const examples = both.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const split = splitExamples([...both.keys()], { validationFraction: settings.validation, seed });
  const of = (part: readonly number[]): readonly Example[] =>
    part.flatMap((index) => [both[index]!.chosen, both[index]!.rejected]);
  // Whole rows of the longest answer: shorter than the context where all are.
  const rowLength = examples.reduce((longest, { tokens }) => Math.max(longest, tokens.length), 0);
  return {
    tokenizer,
    ...learnt(dialogues),
    train: { length: of(split.train).reduce((sum, { tokens }) => sum + tokens.length, 0) },
    validation: tokensOf(of(split.validation), tokenizer.vocabularySize),
    unit: 'a pair (log 2 is a model that prefers neither)',
    notes: [countsInWords('pairs', split.train.length, split.validation.length, dialogues)],
    rows: (epochs) => Math.floor(split.train.length * epochs),
    async batches(model) {
      const identityOfAll = `${fingerprintExamples(examples)}-${rowLength}-${seed}${identity ?? ''}`;
      const { referencePath, resume } = options;
      const reference = await referenceLosses(model, both, {
        path: referencePath,
        identity: identityOfAll,
        resume,
        batchSize,
        rowLength,
        signal,
      });
      const pairs = (part: readonly number[]): readonly Pair[] =>
        part.map((index) => ({ ...both[index]!, reference: reference[index]! }));
      return {
        train: sourceOf(
          (position) => pairBatches(pairs(split.train), { batchSize, rowLength, seed, ...position }),
          identityOfAll,
          false,
        ),
        validation: evaluationPairs(pairs(split.validation), {
          batchSize,
          rowLength,
          maxBatches: settings['validation-batches'],
        }),
      };
    },
  };
}

type Take<T> = Parameters<typeof readObjectFiles<T>>[1];

const formatOf = ({ format }: Settings) => (format === 'auto' ? undefined : format);

function learnt(dialogues: Dialogues): Pick<RunData, 'samplePrompt' | 'stopTokens' | 'files'> {
  const { stopTokens, files } = dialogues;
  return { samplePrompt: dialogues.samplePrompt(), stopTokens, files };
}

function requireSome(count: number, { skipped }: Dialogues, files: readonly string[]): void {
  if (count >= 2) return;
  throw new SettingError(
    `[train] ${files.join(', ')}: ${count} of ${count + skipped} rows can be learnt from, two are needed; --bad-rows stop shows what is wrong with the first`,
  );
}

function countsInWords(what: string, train: number, validation: number, { skipped }: Dialogues): string {
  const left = skipped > 0 ? `; ${skipped} ${skipped === 1 ? 'row was' : 'rows were'} left out` : '';
  return `${what.padEnd(10)} ${train} to learn from, ${validation} held back${left}`;
}

function tokensOf(examples: readonly Example[], vocabularySize: number) {
  return toTokens(
    examples.flatMap(({ tokens }) => [...tokens]),
    vocabularySize,
  );
}

/** Rows of whole epochs, and of the last one the share that is asked for. */
function scaled(epochs: number, rowsOf: (whole: number) => number): number {
  const whole = Math.floor(epochs);
  const before = rowsOf(whole);
  return epochs === whole ? before : Math.floor(before + (epochs - whole) * (rowsOf(whole + 1) - before));
}

/** Batches as the loop wants them, by what makes them from a position. */
function sourceOf<B extends Batch>(
  make: (start: { readonly position?: BatchPosition }) => { readonly position: BatchPosition; next(): B },
  fingerprint: string,
  ignoresTargets: boolean,
): BatchSource {
  let batches = make({});
  return {
    next: () => batches.next(),
    position: () => batches.position,
    seek(position) {
      batches = make({ position: position as BatchPosition });
    },
    fingerprint,
    ignoresTargets,
  };
}

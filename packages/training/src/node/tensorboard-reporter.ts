/**
 * A run for TensorBoard: one event file a start, in the run's folder, to be shown while it grows. A file that cannot be written ends
 * no training: it is said once, and what was not written is missing there.
 */
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FileError, withFileErrors } from '@qsparse/formats/node';
import { type EventValue, eventFileName, eventFileStart, formatEvent } from '@qsparse/formats/tensorboard';
import type { Reporter, StepEntry } from '../reporter.ts';

export interface TensorBoardOptions {
  /** First step of a run that goes on: TensorBoard drops what earlier files say of it and of later ones. */
  readonly resumedAt?: number | undefined;
  /** Called once, at the first failure. Default: nobody is told. */
  readonly onFailure?: ((error: FileError) => void) | undefined;
}

/** Numbers of a step as TensorBoard groups them; others keep their own names. */
const TAGS: Readonly<Record<string, string>> = {
  loss: 'train/loss',
  learningRate: 'train/learning_rate',
  gradientNorm: 'train/gradient_norm',
  tokensPerSecond: 'train/tokens_per_second',
  tokens: 'train/tokens',
  sparsity: 'train/sparsity',
  mfu: 'train/mfu',
  validationLoss: 'validation/loss',
  bitsPerByte: 'validation/bits_per_byte',
  gradientNorms: 'gradient_norm',
  siteSparsity: 'site_sparsity',
};

/** The file appears with the first thing that is told. Throws FormatError for a step that is no whole number from 0. */
export function tensorboardReporter(folder: string, options: TensorBoardOptions = {}): Required<Reporter> {
  const file = eventFile(folder, options);
  const tell = (step: number, values: readonly EventValue[]): Promise<void> =>
    file.append(formatEvent({ step, time: now(), values }));
  return {
    step: (entry) => tell(entry.step, scalarsOf(entry)),
    // It is shown as Markdown, where two spaces keep the end of a line.
    text: (tag, text, step) => tell(step, [{ kind: 'text', tag, text: text.replaceAll('\n', '  \n') }]),
    histogram: (tag, values, step) => tell(step, [{ kind: 'histogram', tag, values }]),
    close: file.close,
  };
}

const now = (): number => Date.now() / 1000;

function scalarsOf({ step: _, ...entry }: StepEntry): readonly EventValue[] {
  return Object.entries(entry).flatMap(([name, value]: [string, unknown]): readonly EventValue[] => {
    const tag = TAGS[name] ?? name;
    if (typeof value === 'number') return [{ kind: 'scalar', tag, value }];
    return Object.entries((value ?? {}) as Readonly<Record<string, number>>).map(([place, number]) => ({
      kind: 'scalar',
      tag: `${tag}/${place}`,
      value: number,
    }));
  });
}

interface EventFile {
  /** Whole or not at all, one after the other. */
  append(record: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

function eventFile(folder: string, { resumedAt, onFailure }: TensorBoardOptions): EventFile {
  let handle: FileHandle | undefined;
  /** Bytes of whole records. */
  let end = 0;
  let hasFailed = false;
  const append = async (record: Uint8Array): Promise<void> => {
    try {
      await withFileErrors('tensorboard', folder, async () => {
        handle ??= await createFile(folder);
        if (end === 0) end = await writeAt(handle, eventFileStart({ time: now(), resumedAt }), 0);
        end = await writeAt(handle, record, end);
      });
    } catch (error) {
      // Half a record would make all that follow it unreadable.
      await handle?.truncate(end).catch(() => {});
      if (!(error instanceof FileError)) throw error;
      if (!hasFailed) onFailure?.(error);
      hasFailed = true;
    }
  };
  let last: Promise<void> = Promise.resolve();
  return {
    append(record) {
      last = last.then(() => append(record));
      return last;
    },
    async close() {
      await last;
      await handle?.close().catch(() => {});
      handle = undefined;
    },
  };
}

const SECOND = /^events\.out\.tfevents\.(\d+)\./;

/** TensorBoard reads files by their names, so a later start has a later second, whatever the clock says. */
async function createFile(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true });
  const seconds = (await readdir(folder)).map((name) => Number(SECOND.exec(name)?.[1] ?? 0));
  const time = Math.max(now(), 1 + Math.max(0, ...seconds));
  const unique = `${hostname().replaceAll(/[^\w-]/g, '-')}.${process.pid}`;
  return open(join(folder, eventFileName({ time }, unique)), 'wx');
}

/** Returns where it ends. */
async function writeAt(handle: FileHandle, bytes: Uint8Array, start: number): Promise<number> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, start + done);
    done += bytesWritten;
  }
  return start + bytes.length;
}

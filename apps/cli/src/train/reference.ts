/**
 * What the reference model of preference tuning says of every pair: computed once, before the first update, and kept in the run
 * folder, since a resumed run has no reference model any more.
 */
import { existsSync } from 'node:fs';
import { noGrad, tensor } from '@qsparse/core';
import { type Pair, pairBatch } from '@qsparse/data/tuning';
import { formatJson, parseConfig, readObject } from '@qsparse/formats';
import { readFileBytes, writeFileAtomic } from '@qsparse/formats/node';
import { type Decoder, sequenceLosses } from '@qsparse/layers';
import { RunFolderError } from './run-lock.ts';

export interface ReferenceOptions {
  readonly path: string;
  /** Of the pairs, so that those of others are never used. */
  readonly identity: string;
  /** Whether the model has been trained already. */
  readonly resume: boolean;
  readonly batchSize: number;
  readonly rowLength: number;
  readonly signal: AbortSignal;
}

/** -log p of chosen and rejected, a pair each. Throws RunFolderError where a resumed run has lost them, and the signal's reason. */
export async function referenceLosses(
  model: Decoder,
  pairs: readonly Omit<Pair, 'reference'>[],
  { path, identity, resume, batchSize, rowLength, signal }: ReferenceOptions,
): Promise<readonly Pair['reference'][]> {
  const stored = existsSync(path) ? await readLosses(path, identity, pairs.length) : undefined;
  if (stored) return stored;
  if (resume)
    throw new RunFolderError(
      `[train] ${path} must hold what the reference model says of this data, it does not; give the data of the run, or start a new run`,
    );
  const losses: Pair['reference'][] = [];
  for (let from = 0; from < pairs.length; from += batchSize) {
    signal.throwIfAborted();
    const some = pairs.slice(from, from + batchSize).map((pair) => ({ ...pair, reference: [0, 0] as const }));
    const values = await lossesOf(model, some, rowLength);
    for (const index of some.keys()) losses.push([values[2 * index]!, values[2 * index + 1]!]);
  }
  await writeFileAtomic(path, formatJson({ identity, losses: losses.flat() }));
  return losses;
}

async function lossesOf(
  model: Decoder,
  pairs: readonly Pair[],
  rowLength: number,
): Promise<ArrayLike<number>> {
  const { tokens, targets, shape, more } = pairBatch(pairs, { rowLength });
  const inputs = [
    tensor(model.device, tokens, shape, 'i32'),
    tensor(model.device, targets, shape, 'i32'),
    tensor(model.device, more.counts),
  ] as const;
  const losses = noGrad(() => sequenceLosses(model, ...inputs));
  for (const input of inputs) input.dispose();
  const values = losses.data();
  losses.dispose(); // its read is queued already
  return values;
}

async function readLosses(
  path: string,
  identity: string,
  count: number,
): Promise<readonly Pair['reference'][] | undefined> {
  const reader = readObject(parseConfig(await readFileBytes(path, Number.MAX_SAFE_INTEGER), path), path);
  if (reader.string('identity') !== identity) return undefined;
  const losses = reader.array('losses');
  if (losses.length !== 2 * count || !losses.every((loss) => typeof loss === 'number'))
    throw reader.invalid('losses', `a list of ${2 * count} numbers`);
  const values = losses as readonly number[];
  return Array.from({ length: count }, (_, index) => [values[2 * index]!, values[2 * index + 1]!] as const);
}

// Writing a checkpoint as one file, or as several with an index when it is large. The index comes last: where it
// exists, all shards were complete before.

import { show } from '../display.ts';
import { FormatError } from '../errors.ts';
import type { WriteFile } from '../io/byte-sink.ts';
import { encodeUtf8 } from '../utf8.ts';
import { formatShardIndex, indexFileName } from './shard-index.ts';
import { type TensorToWrite, tensorBytes, type WriteOptions, writeSafetensors } from './write.ts';

export interface ShardOptions extends WriteOptions {
  /**
   * Most bytes of tensors in one file, 5e9 by default. One tensor is never divided: a larger one has a file of its own.
   */
  readonly maxShardBytes?: number;
  /** What file names begin with; `model` by default. */
  readonly baseName?: string;
}

export interface WrittenShards {
  /** In the order of writing, the index last. */
  readonly files: readonly string[];
  /** Bytes of all tensors, as the index has it under `total_size`. */
  readonly dataBytes: number;
}

/**
 * Writes `model.safetensors`, or `model-00001-of-0000N.safetensors` … and `model.safetensors.index.json` when the
 * tensors take more than `maxShardBytes`. Shards are filled in the given order of the tensors.
 * Write into a new folder: beside files of an older checkpoint a reader could choose the wrong ones.
 * @throws FormatError as `writeSafetensors` does, before the first file where it can be known, and what `writeFile` throws
 */
export async function writeShardedSafetensors(
  writeFile: WriteFile,
  tensors: Iterable<TensorToWrite>,
  options: ShardOptions = {},
): Promise<WrittenShards> {
  const { maxShardBytes = 5e9, baseName = 'model' } = options;
  if (!(maxShardBytes > 0)) {
    const message = `[safetensors] maxShardBytes must be a positive number, got ${show(maxShardBytes)}; correct it`;
    throw new FormatError('value', message, { key: 'maxShardBytes' });
  }
  if (!/^[^/\\:\p{Cc}]+$/u.test(baseName)) {
    const message = `[safetensors] baseName must be a plain file name, got ${show(baseName)}; correct it`;
    throw new FormatError('value', message, { key: 'baseName' });
  }
  const { shards, dataBytes } = divide(tensors, maxShardBytes);
  const files: string[] = [];
  const weightMap = new Map<string, string>();
  for (const [at, shard] of shards.entries()) {
    const file = shardFileName(baseName, at + 1, shards.length);
    await writeFile(file, async (sink) => {
      await writeSafetensors(sink, shard, options);
    });
    files.push(file);
    for (const { name } of shard) weightMap.set(name, file);
  }
  if (shards.length > 1) {
    const file = indexFileName(baseName);
    await writeFile(file, (sink) => sink.write(encodeUtf8(formatShardIndex(weightMap, dataBytes))));
    files.push(file);
  }
  return { files, dataBytes };
}

function divide(tensors: Iterable<TensorToWrite>, maxShardBytes: number) {
  const shards: TensorToWrite[][] = [[]];
  const names = new Set<string>();
  let dataBytes = 0;
  let shardBytes = 0;
  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor);
    if (names.has(tensor.name)) {
      const message = `[safetensors] tensor ${show(tensor.name)} to write: every name may be written once, it came twice`;
      throw new FormatError('duplicate-key', message, { tensor: tensor.name });
    }
    names.add(tensor.name);
    const shard = shards.at(-1)!;
    if (shard.length > 0 && shardBytes + bytes > maxShardBytes) {
      shards.push([tensor]);
      shardBytes = bytes;
    } else {
      shard.push(tensor);
      shardBytes += bytes;
    }
    dataBytes += bytes;
  }
  return { shards, dataBytes };
}

function shardFileName(baseName: string, number: number, count: number): string {
  if (count === 1) return `${baseName}.safetensors`;
  const part = (value: number) => String(value).padStart(5, '0');
  return `${baseName}-${part(number)}-of-${part(count)}.safetensors`;
}

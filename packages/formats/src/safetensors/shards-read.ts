// Reading a sharded checkpoint: all headers are opened and compared with the index before any tensor is read, so that
// a missing or foreign shard is found in the first second and not in the middle of loading.
import { show, showName } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { type ByteReader, readExactly } from '../io/byte-reader.ts';
import { type HeaderOptions, MAX_HEADER_BYTES, type TensorInfo } from './header.ts';
import { findTensor, openSafetensors, type TensorStore } from './read.ts';
import { indexFileName, parseShardIndex, type ShardIndex } from './shard-index.ts';

/** Opens one shard by its file name, next to the index. */
export type OpenShard = (fileName: string) => Promise<ByteReader>;

/**
 * Opens every shard that the index names. Each tensor must be in exactly the shard that the index says, and a shard
 * must hold nothing else.
 * @param index the text of `model.safetensors.index.json`; the reader is closed
 * @throws FormatError `missing-shard`, `missing-tensor`, `unexpected-tensor`, or what index and shards are refused for
 */
export async function openShardedSafetensors(
  index: ByteReader,
  openShard: OpenShard,
  options: HeaderOptions = {},
): Promise<TensorStore> {
  const name = index.name ?? indexFileName();
  const { weightMap } = await readIndex(index, name, options.signal);
  const fileNames = [...new Set(weightMap.values())].sort();
  const attempts = await Promise.allSettled(fileNames.map((file) => openOne(file, name, openShard, options)));
  const shards = new Map<string, TensorStore>();
  for (const [at, attempt] of attempts.entries()) {
    if (attempt.status === 'fulfilled') shards.set(fileNames[at]!, attempt.value);
  }
  const close = async () => {
    await Promise.all([...shards.values()].map((shard) => shard.close()));
  };
  try {
    for (const attempt of attempts) if (attempt.status === 'rejected') throw attempt.reason;
    requireAgreement(shards, weightMap, name);
  } catch (error) {
    await close();
    throw error;
  }
  const tensors = new Map<string, TensorInfo>();
  const metadata = new Map<string, string>();
  for (const shard of shards.values()) {
    for (const [tensorName, tensor] of shard.tensors) tensors.set(tensorName, tensor);
    for (const [key, value] of shard.metadata) if (!metadata.has(key)) metadata.set(key, value);
  }
  return {
    name,
    metadata,
    tensors,
    async read(tensorName, signal) {
      return shards.get(findTensor(weightMap, tensorName, name))!.read(tensorName, signal);
    },
    close,
  };
}

async function readIndex(
  index: ByteReader,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ShardIndex> {
  try {
    if (index.size > MAX_HEADER_BYTES) {
      const problem = `an index of at most ${MAX_HEADER_BYTES} bytes is required, got ${index.size}`;
      throw new FormatError('header', `[index] ${showName(name)}: ${problem}; is it the right file?`, {
        file: name,
      });
    }
    return parseShardIndex(await readExactly(index, 0, index.size, signal), name);
  } finally {
    await index.close?.();
  }
}

async function openOne(
  file: string,
  indexName: string,
  openShard: OpenShard,
  options: HeaderOptions,
): Promise<TensorStore> {
  let reader: ByteReader;
  try {
    reader = await openShard(file);
  } catch (cause) {
    options.signal?.throwIfAborted();
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `[index] ${showName(indexName)}: shard ${show(file)} is required and cannot be opened: ${why}`;
    throw new FormatError('missing-shard', message, { file, cause });
  }
  return openSafetensors(reader, options);
}

function requireAgreement(
  shards: ReadonlyMap<string, TensorStore>,
  weightMap: ReadonlyMap<string, string>,
  indexName: string,
): void {
  const advice = 'index and shards are of different checkpoints: fetch or save all of them again';
  function error(code: FormatErrorCode, file: string, tensor: string, problem: string): FormatError {
    const message = `[index] ${showName(indexName)}: tensor ${show(tensor)} ${problem}; ${advice}`;
    return new FormatError(code, message, { file, tensor });
  }
  for (const [tensor, file] of weightMap) {
    if (!shards.get(file)!.tensors.has(tensor)) {
      throw error(
        'missing-tensor',
        file,
        tensor,
        `is required in shard ${show(file)}, which does not hold it`,
      );
    }
  }
  for (const [file, shard] of shards) {
    for (const tensor of shard.tensors.keys()) {
      const listed = weightMap.get(tensor);
      if (listed === file) continue;
      const problem = listed === undefined ? 'the index does not list it' : `the index says ${show(listed)}`;
      throw error('unexpected-tensor', file, tensor, `is in shard ${show(file)}, but ${problem}`);
    }
  }
}

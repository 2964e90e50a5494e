// model.safetensors.index.json: which file of a sharded checkpoint holds which tensor. Text and checks, no file access.
import { show, showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { formatJson } from '../json/format.ts';
import { readObject } from '../json/object-reader.ts';
import { type JsonObject, parseJson } from '../json/parse.ts';
import { decodeUtf8 } from '../utf8.ts';

export interface ShardIndex {
  /** Whatever the writer noted; `total_size` is the bytes of all tensors, by convention and not always right. */
  readonly metadata: JsonObject;
  /** Tensor name to file name. */
  readonly weightMap: ReadonlyMap<string, string>;
}

/** The file name of the index beside shards of that name: `model.safetensors.index.json`. */
export function indexFileName(baseName = 'model'): string {
  return `${baseName}.safetensors.index.json`;
}

/**
 * @throws FormatError with line and column for text that is not JSON, `unknown-key`, `missing-key`, and `value` for a
 * file name that is not a plain `*.safetensors` (a path could lead out of the folder)
 */
export function parseShardIndex(source: string | Uint8Array, name: string = indexFileName()): ShardIndex {
  const label = `index ${showName(name)}`;
  const text =
    typeof source === 'string' ? source : decodeUtf8(source, { label: 'index', file: name, dropMark: true });
  const top = readObject(parseJson(text, name, 'index'), label);
  top.rejectUnknown(['metadata', 'weight_map']);
  top.object('metadata', { fallback: undefined })?.integer('total_size', { min: 0, fallback: undefined });
  const weights = top.object('weight_map');
  const weightMap = new Map<string, string>();
  for (const tensor of weights.keys())
    weightMap.set(tensor, requireFileName(weights.get(tensor), tensor, label, name));
  return { metadata: (top.get('metadata') ?? {}) as JsonObject, weightMap };
}

/** Sorted by tensor name, as Hugging Face's writer sorts. */
export function formatShardIndex(weightMap: ReadonlyMap<string, string>, totalBytes: number): string {
  const sorted = [...weightMap].sort(([a], [b]) => (a < b ? -1 : 1));
  return formatJson({ metadata: { total_size: totalBytes }, weight_map: new Map(sorted) }, 'index');
}

function requireFileName(value: unknown, tensor: string, label: string, file: string): string {
  if (typeof value === 'string' && /^[^/\\:\p{Cc}]+\.safetensors$/u.test(value)) return value;
  throw new FormatError(
    'value',
    `[${label}] tensor ${show(tensor)}: the name of a .safetensors file in the same folder is required, ` +
      `got ${show(value)}; correct the index`,
    { file, tensor },
  );
}

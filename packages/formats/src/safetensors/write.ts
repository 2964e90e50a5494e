// Writing safetensors: one pass over an abstract sink, one tensor in memory at a time. The same tensors give the same
// bytes, whatever order they come in: wide elements first, then names by code point, as Hugging Face's writer does.
import { show } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { type ByteSink, writeInPieces } from '../io/byte-sink.ts';
import { encodeUtf8, hasLoneSurrogate } from '../utf8.ts';
import { countElements, DTYPE_NAMES, DTYPES, type Dtype } from './dtype.ts';
import { LENGTH_BYTES, MAX_HEADER_BYTES, METADATA_KEY } from './header.ts';

/** Any typed array that holds a dtype, also in shared memory. */
export type TensorArray =
  | BigUint64Array
  | BigInt64Array
  | Float64Array
  | Float32Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Int16Array
  | Int8Array
  | Uint8Array;

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major sizes; [] for a scalar. */
  readonly shape: readonly number[];
  /** The elements in the dtype's array (`bf16` and `f16`: Uint16Array), or a function that brings them in time. */
  readonly data: TensorArray | (() => TensorArray | Promise<TensorArray>);
}

export interface WriteOptions {
  /** Text entries for the header; Hugging Face's loaders look for `format: 'pt'`. */
  readonly metadata?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
  readonly signal?: AbortSignal;
}

export interface WrittenFile {
  /** Bytes of the whole file. */
  readonly fileBytes: number;
  /** Bytes of the tensors alone. */
  readonly dataBytes: number;
}

/**
 * Writes one file. Everything that can be checked is checked before the first byte.
 * @throws FormatError `value` (name or metadata), `duplicate-key`, `shape`, `dtype`, `byte-count` (data of another
 * length than the shape), `header` (over 100 MB), and whatever the sink throws
 */
export async function writeSafetensors(
  sink: ByteSink,
  tensors: Iterable<TensorToWrite>,
  options: WriteOptions = {},
): Promise<WrittenFile> {
  const { header, ordered, dataBytes } = layOut([...tensors], options.metadata ?? {});
  await writeInPieces(sink, header, options.signal);
  for (const tensor of ordered) {
    const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
    await writeInPieces(sink, requireData(tensor, data), options.signal);
  }
  return { fileBytes: header.byteLength + dataBytes, dataBytes };
}

/**
 * Bytes that a tensor takes in a file.
 * @throws FormatError `value`, `dtype` or `shape` when it cannot be written
 */
export function tensorBytes(tensor: TensorToWrite): number {
  const { name, dtype, shape } = tensor;
  if (typeof name !== 'string' || name === METADATA_KEY || hasLoneSurrogate(name)) {
    throw writeError(tensor, 'value', `a name of well-formed text other than ${METADATA_KEY} is required`);
  }
  if (!DTYPE_NAMES.includes(dtype)) {
    throw writeError(tensor, 'dtype', `dtype must be one of ${DTYPE_NAMES.join(', ')}, got ${show(dtype)}`);
  }
  const bytes = (countElements(shape) ?? Number.NaN) * DTYPES[dtype].bytes;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw writeError(
    tensor,
    'shape',
    `sizes must be integers of at least 0 that fit a file, got ${show(shape)}`,
  );
}

interface Layout {
  /** Length, JSON and padding: all that stands before the data. */
  readonly header: Uint8Array;
  readonly ordered: readonly TensorToWrite[];
  readonly dataBytes: number;
}

function layOut(tensors: TensorToWrite[], metadata: NonNullable<WriteOptions['metadata']>): Layout {
  const parts: string[] = [];
  const text = formatMetadata(metadata);
  if (text !== '{}') parts.push(`${JSON.stringify(METADATA_KEY)}:${text}`);
  const bytes = new Map(tensors.map((tensor) => [tensor, tensorBytes(tensor)]));
  tensors.sort(
    (a, b) =>
      DTYPE_NAMES.indexOf(a.dtype) - DTYPE_NAMES.indexOf(b.dtype) || compareCodePoints(a.name, b.name),
  );
  const names = new Set<string>();
  let end = 0;
  for (const tensor of tensors) {
    const { name, dtype, shape, data } = tensor;
    if (names.has(name))
      throw writeError(tensor, 'duplicate-key', 'every name may be written once, it came twice');
    names.add(name);
    if (typeof data !== 'function') requireData(tensor, data);
    const begin = end;
    end += bytes.get(tensor)!;
    const fields = `"dtype":"${DTYPES[dtype].code}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]`;
    parts.push(`${JSON.stringify(name)}:{${fields}}`);
  }
  return { header: formatHeader(`{${parts.join(',')}}`), ordered: tensors, dataBytes: end };
}

function formatHeader(json: string): Uint8Array {
  const encoded = encodeUtf8(json);
  const padded = Math.ceil(encoded.byteLength / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    const problem = `the header must stay within ${MAX_HEADER_BYTES} bytes, it takes ${padded}`;
    throw new FormatError('header', `[safetensors] ${problem}; write several files, or less metadata`);
  }
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(encoded, LENGTH_BYTES);
  return header;
}

function formatMetadata(metadata: NonNullable<WriteOptions['metadata']>): string {
  const entries = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  for (const [key, value] of entries) {
    if (typeof key === 'string' && typeof value === 'string' && !hasLoneSurrogate(key + value)) continue;
    const problem = `metadata must map text to text, got ${show(value)} at ${show(key)}; convert it`;
    throw new FormatError('value', `[safetensors] ${problem}`, { key: String(key) });
  }
  entries.sort(([a], [b]) => compareCodePoints(a, b));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** The bytes behind the data, once class and length are right. */
function requireData(tensor: TensorToWrite, data: TensorArray): Uint8Array {
  const required = DTYPES[tensor.dtype].array.name;
  // The tag also tells a Node Buffer and an array of another realm apart correctly.
  const got = ArrayBuffer.isView(data) ? data[Symbol.toStringTag] : show(data);
  if (got !== required) throw writeError(tensor, 'dtype', `data must be a ${required}, got ${got}`);
  const bytes = tensorBytes(tensor);
  if (data.byteLength !== bytes) {
    const problem = `shape ${show(tensor.shape)} takes ${bytes} bytes, data has ${data.byteLength}`;
    throw writeError(tensor, 'byte-count', problem);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function writeError(tensor: TensorToWrite, code: FormatErrorCode, problem: string): FormatError {
  const message = `[safetensors] tensor ${show(tensor.name)} to write: ${problem}; correct what is passed`;
  return new FormatError(code, message, { tensor: tensor.name });
}

/** By code point, as UTF-8 bytes compare; JavaScript's own order differs beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return sortKey(a.charCodeAt(at)) - sortKey(b.charCodeAt(at));
}

/** Moves surrogates above all other code units; the end of the text (NaN) below. */
function sortKey(unit: number): number {
  if (Number.isNaN(unit)) return -1;
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

// Writing GGUF: one pass over an abstract sink, one tensor in memory at a time. Metadata and tensors stand in the order in
// which they are given, so that a file that was read is written again byte by byte.
import { show } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { type ByteSink, writeInPieces } from '../io/byte-sink.ts';
import { MAX_HEADER_BYTES } from '../safetensors/header.ts';
import type { WrittenFile } from '../safetensors/write.ts';
import { encodeUtf8, hasLoneSurrogate } from '../utf8.ts';
import { float32ToGguf, WRITABLE_TYPES, type WritableType } from './convert.ts';
import { GGML_TYPE_NAMES, GGML_TYPES, type GgmlType, ggmlBytes } from './ggml-types.ts';
import { MAGIC, MOST_KEYS, MOST_TENSORS } from './header.ts';
import { ALIGNMENT_KEY, alignUp, DEFAULT_ALIGNMENT, type GgufValue, isAlignment } from './values.ts';
import { HeaderBytes, writeValue } from './write-values.ts';

/**
 * Float32Array: numbers, which are converted to the type (one of WRITABLE_TYPES). Uint16Array: the bits of F16 or BF16.
 * Uint8Array: the bytes of any type, as they shall stand in the file.
 */
export type GgufData = Float32Array | Uint16Array | Uint8Array;

export interface GgufTensorToWrite {
  /** At most 63 bytes: llama.cpp reads no more. */
  readonly name: string;
  readonly type: GgmlType;
  /** Row-major sizes, at most four; the last is that of a row, which holds whole blocks. */
  readonly shape: readonly number[];
  /** The elements, or a function that brings them in time. */
  readonly data: GgufData | (() => GgufData | Promise<GgufData>);
}

/** As an object, or in the order of a Map. */
export type GgufMetadata = Readonly<Record<string, GgufValue>> | ReadonlyMap<string, GgufValue>;

export interface GgufWriteOptions {
  /** `general.alignment` in it (u32) decides where tensors may begin; 32 where it is absent. */
  readonly metadata?: GgufMetadata;
  /** Default 3. Files of both are alike but for the number. */
  readonly version?: 2 | 3;
  readonly signal?: AbortSignal | undefined;
}

const LONGEST_NAME = 63;
const LONGEST_KEY = 65_535;

/** A multiple of every block: 4 MiB of float32. */
const PIECE_ELEMENTS = 2 ** 20;

/**
 * Writes one file. Everything that can be checked is checked before the first byte.
 * @throws FormatError `value` (a name, metadata, numbers that the type cannot hold), `duplicate-key`, `shape`, `dtype`,
 * `byte-count` (data of another length than the shape), `header` (over 100 MB), and whatever the sink throws
 */
export async function writeGguf(
  sink: ByteSink,
  tensors: Iterable<GgufTensorToWrite>,
  options: GgufWriteOptions = {},
): Promise<WrittenFile> {
  const { metadata = {}, version = 3, signal } = options;
  const entries = metadata instanceof Map ? [...metadata] : Object.entries(metadata as object);
  const alignment = alignmentOf(entries);
  const all = [...tensors];
  const header = formatHeader(all, entries, { alignment, version });
  await writeInPieces(sink, header, signal);
  let dataBytes = 0;
  for (const tensor of all) {
    const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
    const length = await writeData(sink, tensor, data, signal);
    const padding = alignUp(length, alignment) - length;
    if (padding > 0) await sink.write(new Uint8Array(padding));
    dataBytes += length + padding;
  }
  return { fileBytes: header.byteLength + dataBytes, dataBytes };
}

function formatHeader(
  tensors: readonly GgufTensorToWrite[],
  entries: readonly (readonly [string, GgufValue])[],
  { alignment, version }: { readonly alignment: number; readonly version: 2 | 3 },
): Uint8Array {
  if (version !== 2 && version !== 3)
    throw new FormatError('value', `[gguf] version must be 2 or 3, got ${show(version)}; correct it`);
  if (tensors.length > MOST_TENSORS || entries.length > MOST_KEYS)
    throw tooMuch(`at most ${MOST_TENSORS} tensors and ${MOST_KEYS} keys can be read`);
  const out = new HeaderBytes();
  out.u32(MAGIC);
  out.u32(version);
  out.u64(tensors.length);
  out.u64(entries.length);
  for (const [key, value] of entries) {
    requireKey(key);
    out.string(key);
    writeValue(out, key, value);
  }
  const names = new Set<string>();
  let offset = 0;
  for (const tensor of tensors) {
    const { name, type, shape, data } = tensor;
    const bytes = requireTensor(tensor);
    if (names.has(name))
      throw writeError(tensor, 'duplicate-key', 'every name may be written once, it came twice');
    names.add(name);
    if (typeof data !== 'function') requireData(tensor, data);
    out.string(name);
    out.u32(shape.length);
    for (const size of shape.toReversed()) out.u64(size);
    out.u32(GGML_TYPES[type].id);
    out.u64(offset);
    offset = alignUp(offset + bytes, alignment);
  }
  if (out.length > MAX_HEADER_BYTES)
    throw tooMuch(`the header must stay within ${MAX_HEADER_BYTES} bytes, it takes ${out.length}`);
  out.pad(alignment);
  return out.written();
}

function tooMuch(problem: string): FormatError {
  return new FormatError('header', `[gguf] ${problem}; write less metadata or several files`);
}

function alignmentOf(entries: readonly (readonly [string, GgufValue])[]): number {
  const value = entries.find(([key]) => key === ALIGNMENT_KEY)?.[1];
  if (value === undefined) return DEFAULT_ALIGNMENT;
  if (value.type === 'u32' && isAlignment(value.value)) return value.value;
  const message = `[gguf] key "${ALIGNMENT_KEY}" to write: a u32 is required, a power of two from 8 to 65536; correct it`;
  throw new FormatError('value', message, { key: ALIGNMENT_KEY });
}

function requireKey(key: unknown): void {
  if (
    typeof key === 'string' &&
    key !== '' &&
    !hasLoneSurrogate(key) &&
    encodeUtf8(key).length <= LONGEST_KEY
  )
    return;
  const message = `[gguf] a key of well-formed text is required, of at most ${LONGEST_KEY} bytes, got ${show(key)}; correct it`;
  throw new FormatError('value', message, { key: String(key) });
}

/** Bytes of its data. */
function requireTensor(tensor: GgufTensorToWrite): number {
  const { name, type, shape } = tensor;
  const named = typeof name === 'string' && name !== '' && !hasLoneSurrogate(name);
  if (!named || encodeUtf8(name).length > LONGEST_NAME) {
    const problem = `a name of well-formed text is required, of at most ${LONGEST_NAME} bytes`;
    throw writeError(tensor, 'value', problem);
  }
  if (!GGML_TYPE_NAMES.includes(type))
    throw writeError(tensor, 'dtype', `type must be one of ${GGML_TYPE_NAMES.join(', ')}, got ${show(type)}`);
  const bytes = ggmlBytes(type, shape);
  if (typeof bytes === 'number') return bytes;
  throw writeError(tensor, 'shape', `${bytes.required} are required, got shape ${show(shape)}`);
}

/** Class and length, not the numbers in it. */
function requireData(tensor: GgufTensorToWrite, data: GgufData): void {
  const { type, shape } = tensor;
  const bytes = requireTensor(tensor);
  const got = ArrayBuffer.isView(data) ? data[Symbol.toStringTag] : show(data);
  const classes = ['Uint8Array'];
  if (type === 'F16' || type === 'BF16') classes.push('Uint16Array');
  if (isWritable(type)) classes.push('Float32Array');
  if (!classes.includes(got))
    throw writeError(tensor, 'dtype', `data of ${type} must be a ${classes.join(' or ')}, got ${got}`);
  const count = shape.reduce((product, size) => product * size, 1);
  const [required, has, what] =
    got === 'Float32Array' ? [count, data.length, 'elements'] : [bytes, data.byteLength, 'bytes'];
  if (has !== required)
    throw writeError(tensor, 'byte-count', `shape ${show(shape)} takes ${required} ${what}, data has ${has}`);
}

/** Converts and writes, a piece after the other; returns the bytes written. */
async function writeData(
  sink: ByteSink,
  tensor: GgufTensorToWrite,
  data: GgufData,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { type, name } = tensor;
  requireData(tensor, data);
  if (isFloat32(data) && isWritable(type) && type !== 'F32') {
    let length = 0;
    for (let from = 0; from < data.length; from += PIECE_ELEMENTS) {
      signal?.throwIfAborted();
      const piece = data.subarray(from, from + PIECE_ELEMENTS);
      const bytes = float32ToGguf(type, piece, name);
      await sink.write(bytes);
      length += bytes.byteLength;
    }
    return length;
  }
  await writeInPieces(sink, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), signal);
  return data.byteLength;
}

function isWritable(type: GgmlType): type is WritableType {
  return (WRITABLE_TYPES as readonly GgmlType[]).includes(type);
}

/** Of another realm too. */
function isFloat32(data: GgufData): data is Float32Array {
  return data[Symbol.toStringTag] === 'Float32Array';
}

function writeError({ name }: GgufTensorToWrite, code: FormatErrorCode, problem: string): FormatError {
  const message = `[gguf] tensor ${show(name)} to write: ${problem}; correct what is passed`;
  return new FormatError(code, message, { tensor: String(name) });
}

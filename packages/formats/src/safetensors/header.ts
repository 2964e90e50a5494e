// The header of a safetensors file: 8 bytes of length (little-endian), JSON, then data that the tensors tile exactly.
// Nothing in it is believed before it is checked against the file, and nothing is allocated by its numbers.
// Stricter than Hugging Face's reader where that one is silent: duplicate keys, unknown fields, leading space.
import { show, showName } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { type ByteReader, readExactly } from '../io/byte-reader.ts';
import { type JsonValue, parseJson } from '../json/parse.ts';
import { decodeUtf8 } from '../utf8.ts';
import { countElements, DTYPE_NAMES, DTYPES, type Dtype, dtypeFromCode, isCount } from './dtype.ts';

/** The limit of the original implementation. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of the header's length at the start of a file. */
export const LENGTH_BYTES = 8;

/** The key of the text entries beside the tensors. */
export const METADATA_KEY = '__metadata__';

const DAMAGED = 'the file is damaged or was not written by a safetensors writer: fetch or save it again';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major sizes; [] for a scalar. */
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of the data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

export interface HeaderOptions {
  /**
   * Accept tensors whose data starts at a place that is not a multiple of their element size, as old writers left
   * them. They are read all the same, by copy. Default false.
   */
  readonly allowMisaligned?: boolean;
  readonly signal?: AbortSignal;
}

/** @throws FormatError for every file that is not exactly a safetensors file; see the codes there. */
export async function readHeader(
  reader: ByteReader,
  options: HeaderOptions = {},
): Promise<SafetensorsHeader> {
  const file = reader.name ?? 'safetensors file';
  const { size } = reader;
  if (!isCount(size))
    throw headerError(file, 'io', `a size in bytes is required, its reader says ${show(size)}`);
  if (size < LENGTH_BYTES) {
    throw headerError(file, 'truncated', `at least ${LENGTH_BYTES} bytes are required, got ${size}`);
  }
  const prefix = await readExactly(reader, 0, LENGTH_BYTES, options.signal);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw headerError(
      file,
      'header',
      `a header of at most ${MAX_HEADER_BYTES} bytes is required, got ${length}`,
    );
  }
  const headerBytes = Number(length);
  const dataStart = LENGTH_BYTES + headerBytes;
  if (dataStart > size) {
    throw headerError(file, 'truncated', `its header takes ${dataStart} bytes, the file has only ${size}`);
  }
  const bytes = await readExactly(reader, LENGTH_BYTES, headerBytes, options.signal);
  return parseHeader(bytes, {
    file,
    dataStart,
    dataBytes: size - dataStart,
    allowMisaligned: options.allowMisaligned,
  });
}

interface HeaderPlace {
  readonly file: string;
  readonly dataStart: number;
  readonly dataBytes: number;
  readonly allowMisaligned: boolean | undefined;
}

function parseHeader(bytes: Uint8Array, place: HeaderPlace): SafetensorsHeader {
  const { file } = place;
  if (bytes[0] !== 0x7b) throw headerError(file, 'header', 'the header must begin with {');
  const text = decodeUtf8(bytes, { label: 'safetensors', file: `header of ${file}` });
  const entries = Object.entries(parseJson(text, `header of ${file}`, 'safetensors') as object);
  let metadata: ReadonlyMap<string, string> = new Map();
  const tensors: TensorInfo[] = [];
  for (const [name, entry] of entries as [string, JsonValue][]) {
    if (name === METADATA_KEY) metadata = parseMetadata(entry, file);
    else tensors.push(parseTensor(name, entry, place));
  }
  requireTiling(tensors, place);
  return { metadata, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

function parseMetadata(entry: JsonValue, file: string): ReadonlyMap<string, string> {
  // The original reader takes null for "no metadata".
  if (entry === null) return new Map();
  const values = isObject(entry) ? Object.entries(entry) : undefined;
  const wrong = values?.find(([, value]) => typeof value !== 'string');
  if (values !== undefined && wrong === undefined) return new Map(values as [string, string][]);
  const got = wrong === undefined ? show(entry) : `${show(wrong[1])} at ${show(wrong[0])}`;
  throw headerError(file, 'value', `${METADATA_KEY} must map strings to strings, got ${got}`);
}

function parseTensor(name: string, entry: JsonValue, place: HeaderPlace): TensorInfo {
  const { file, dataBytes, dataStart } = place;
  if (!isObject(entry)) throw tensorError(file, name, 'value', `an object is required, got ${show(entry)}`);
  const unknown = Object.keys(entry).find((key) => !['dtype', 'shape', 'data_offsets'].includes(key));
  if (unknown !== undefined) {
    throw tensorError(
      file,
      name,
      'unknown-key',
      `only dtype, shape and data_offsets may stand here, got ${show(unknown)}`,
    );
  }
  const { dtype: code, shape, data_offsets: offsets } = entry;
  const dtype = dtypeFromCode(code);
  if (dtype === undefined) {
    const readable = DTYPE_NAMES.map((each) => DTYPES[each].code).join(', ');
    const problem = `dtype must be one of ${readable}, got ${show(code)}`;
    throw tensorError(file, name, 'dtype', problem, 'convert the file to one of these');
  }
  const elements = Array.isArray(shape) ? countElements(shape) : undefined;
  if (elements === undefined) {
    const problem = `shape must be an array of integers of at least 0 with a product below 2^53, got ${show(shape)}`;
    throw tensorError(file, name, 'shape', problem);
  }
  const [begin, end] = Array.isArray(offsets) && offsets.length === 2 ? offsets : [];
  if (!isCount(begin) || !isCount(end) || begin > end) {
    const problem = `data_offsets must be two integers, 0 <= begin <= end, got ${show(offsets)}`;
    throw tensorError(file, name, 'offsets', problem);
  }
  const width = DTYPES[dtype].bytes;
  if (end - begin !== elements * width) {
    const required = `${code} ${show(shape)} takes ${elements * width} bytes`;
    throw tensorError(
      file,
      name,
      'byte-count',
      `${required}, data_offsets ${show(offsets)} hold ${end - begin}`,
    );
  }
  if (end > dataBytes) {
    const problem = `its data ends at byte ${end} of the data, the file holds only ${dataBytes}`;
    throw tensorError(
      file,
      name,
      'truncated',
      problem,
      'the file is cut off or damaged: fetch or save it again',
    );
  }
  if (begin % width !== 0 && place.allowMisaligned !== true) {
    const problem = `data_offsets must begin at a multiple of ${width} for ${code}, got ${begin}`;
    throw tensorError(
      file,
      name,
      'offsets',
      problem,
      'pass allowMisaligned: true if an old writer made the file',
    );
  }
  return { name, dtype, shape: shape as number[], byteOffset: dataStart + begin, byteLength: end - begin };
}

/** Sorts the tensors by place and checks that they cover the data without overlap, gap or rest. */
function requireTiling(tensors: TensorInfo[], { file, dataStart, dataBytes }: HeaderPlace): void {
  tensors.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  let end = dataStart;
  let previous = '';
  for (const { name, byteOffset, byteLength } of tensors) {
    if (byteOffset < end) {
      const problem = `its data begins ${end - byteOffset} bytes before ${show(previous)} ends`;
      throw tensorError(file, name, 'overlap', problem);
    }
    if (byteOffset > end) {
      throw tensorError(file, name, 'gap', `${byteOffset - end} bytes before its data belong to no tensor`);
    }
    end = byteOffset + byteLength;
    previous = name;
  }
  const rest = dataStart + dataBytes - end;
  if (rest > 0) throw headerError(file, 'trailing', `the last ${rest} bytes belong to no tensor`);
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function headerError(file: string, code: FormatErrorCode, problem: string): FormatError {
  return new FormatError(code, `[safetensors] ${showName(file)}: ${problem}; ${DAMAGED}`, { file });
}

function tensorError(
  file: string,
  tensor: string,
  code: FormatErrorCode,
  problem: string,
  advice: string = DAMAGED,
): FormatError {
  const message = `[safetensors] ${showName(file)}, tensor ${show(tensor)}: ${problem}; ${advice}`;
  return new FormatError(code, message, { file, tensor });
}

// The header of a GGUF file, little-endian, versions 2 and 3 (which differ in their number alone): magic, counts,
// metadata, tensor descriptions. Nothing in it is believed before it is checked against the file, and nothing is
// allocated by its numbers. As strict as llama.cpp's reader about places, and stricter about data that is nobody's.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { show } from '../display.ts';
import type { ByteReader } from '../io/byte-reader.ts';
import { isCount } from '../safetensors/dtype.ts';
import { type GgmlType, ggmlBytes, ggmlTypeFromId } from './ggml-types.ts';
import { HeaderCursor } from './header-cursor.ts';
import { readValue } from './read-values.ts';
import { ALIGNMENT_KEY, alignUp, DEFAULT_ALIGNMENT, type GgufValue, isAlignment } from './values.ts';

/** `GGUF`, little-endian. */
export const MAGIC = 0x46554747;

/** More of them would cost memory out of proportion to the file; no model comes near. */
export const MOST_KEYS = 65_536;
export const MOST_TENSORS = 262_144;

const MOST_DIMENSIONS = 4;

export interface GgufTensorInfo {
  readonly name: string;
  readonly type: GgmlType;
  /** Row-major sizes, the reverse of the order in the file; [] for a scalar. */
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

export interface GgufHeader {
  readonly version: 2 | 3;
  /** What every tensor's place is a multiple of, from the start of the data. */
  readonly alignment: number;
  /** In the order of the file. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
}

/** @throws FormatError for every file that is not exactly a GGUF file; see the codes there. */
export async function readGgufHeader(reader: ByteReader, signal?: AbortSignal): Promise<GgufHeader> {
  const cursor = new HeaderCursor(reader, reader.name ?? 'GGUF file', signal);
  if (!isCount(reader.size))
    throw cursor.error('io', `a size in bytes is required, its reader says ${show(reader.size)}`);
  const version = await cursor.entry(() => readVersion(cursor));
  const counts = await cursor.entry(() => ({
    // A name of no letters, no sizes, a type, a place; a key of no letters, a type, one byte.
    tensors: cursor.count('tensors', 8 + 4 + 4 + 8),
    keys: cursor.count('metadata entries', 8 + 4 + 1),
  }));
  if (counts.tensors > MOST_TENSORS)
    throw cursor.error(
      'header',
      `at most ${MOST_TENSORS} tensors can be read, it announces ${counts.tensors}`,
    );
  if (counts.keys > MOST_KEYS)
    throw cursor.error('header', `at most ${MOST_KEYS} keys can be read, it announces ${counts.keys}`);
  const metadata = await readMetadata(cursor, counts.keys);
  const alignment = alignmentOf(cursor, metadata);
  const described: Described[] = [];
  for (let i = 0; i < counts.tensors; i++) {
    cursor.place = { entry: `tensor ${i + 1} of ${counts.tensors}` };
    described.push(await cursor.entry(() => readTensor(cursor, alignment)));
  }
  cursor.place = {};
  const tensors = placeTensors(cursor, described, { size: reader.size, alignment });
  return { version, alignment, metadata, tensors };
}

function readVersion(cursor: HeaderCursor): 2 | 3 {
  const magic = cursor.u32();
  if (magic !== MAGIC) throw notGguf(cursor, magic);
  const version = cursor.u32();
  if (version === 2 || version === 3) return version;
  const bigEndian = (version & 0xffff) === 0;
  throw cursor.error(
    'header',
    `version 2 or 3${bigEndian ? ', little-endian,' : ''} is required, got ${bigEndian ? 'big-endian' : version}`,
    'convert the model again with a newer converter',
  );
}

/** Says what is often there instead. */
function notGguf(cursor: HeaderCursor, magic: number): Error {
  const start = String.fromCharCode(...[0, 8, 16, 24].map((shift) => (magic >>> shift) & 0xff));
  const [got, advice] = start.startsWith('<')
    ? ['a web page', 'download the file itself; a page may mean a wrong address or that a login is needed']
    : start === 'vers'
      ? ['perhaps a Git LFS pointer', 'fetch the file it stands for with `git lfs pull`']
      : [show(start), 'is it the right file?'];
  return cursor.error(
    'header',
    `a file that begins with GGUF is required, this one begins with ${got}`,
    advice,
  );
}

async function readMetadata(cursor: HeaderCursor, count: number): Promise<ReadonlyMap<string, GgufValue>> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    cursor.place = { entry: `metadata entry ${i + 1} of ${count}` };
    const [key, value] = await cursor.entry(() => {
      const name = cursor.string();
      cursor.place = { key: name };
      return [name, readValue(cursor)] as const;
    });
    if (metadata.has(key))
      throw cursor.error('duplicate-key', 'every key may be there once, this one is twice');
    metadata.set(key, value);
  }
  cursor.place = {};
  return metadata;
}

function alignmentOf(cursor: HeaderCursor, metadata: ReadonlyMap<string, GgufValue>): number {
  const entry = metadata.get(ALIGNMENT_KEY);
  if (entry === undefined) return DEFAULT_ALIGNMENT;
  if (entry.type === 'u32' && isAlignment(entry.value)) return entry.value;
  cursor.place = { key: ALIGNMENT_KEY };
  const got = entry.type === 'array' ? 'an array' : `${entry.type} ${show(String(entry.value))}`;
  throw cursor.error('value', `a u32 is required, a power of two from 8 to 65536, got ${got}`);
}

/** A tensor whose place counts from the start of the data. */
interface Described extends Omit<GgufTensorInfo, 'byteOffset'> {
  readonly offset: number;
}

function readTensor(cursor: HeaderCursor, alignment: number): Described {
  const name = cursor.string();
  cursor.place = { tensor: name };
  const rank = cursor.u32();
  if (rank > MOST_DIMENSIONS)
    throw cursor.error('shape', `at most ${MOST_DIMENSIONS} dimensions are possible, got ${rank}`);
  const shape = Array.from({ length: rank }, () => Number(cursor.u64())).reverse();
  const id = cursor.u32();
  const type = ggmlTypeFromId(id);
  if (type === undefined)
    throw cursor.error(
      'dtype',
      `its type has number ${id}, which is not known`,
      'convert the file to another type',
    );
  const bytes = ggmlBytes(type, shape);
  if (typeof bytes !== 'number')
    throw cursor.error('shape', `${bytes.required} are required, got shape ${show(shape)}`);
  const offset = cursor.u64();
  if (offset % BigInt(alignment) !== 0n || offset > Number.MAX_SAFE_INTEGER)
    throw cursor.error('offsets', `its data must begin at a multiple of ${alignment}, got ${offset}`);
  return { name, type, shape, byteLength: bytes, offset: Number(offset) };
}

/** Checks that the tensors cover the data without overlap, and with no more between them than alignment asks for. */
function placeTensors(
  cursor: HeaderCursor,
  described: readonly Described[],
  { size, alignment }: { readonly size: number; readonly alignment: number },
): ReadonlyMap<string, GgufTensorInfo> {
  const dataStart = alignUp(cursor.position, alignment);
  const inOrder = [...described].sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = 0;
  let previous = '';
  for (const { name, offset, byteLength } of inOrder) {
    cursor.place = { tensor: name };
    if (offset < end)
      throw cursor.error('overlap', `its data begins ${end - offset} bytes before ${show(previous)} ends`);
    const due = alignUp(end, alignment);
    if (offset > due) throw cursor.error('gap', `${offset - due} bytes before its data belong to no tensor`);
    end = offset + byteLength;
    previous = name;
    if (byteLength > 0 && dataStart + end > size) {
      throw cursor.error(
        'truncated',
        `its data ends at byte ${dataStart + end}, the file at ${size}`,
        'it is cut off or damaged: fetch or save it again',
      );
    }
  }
  cursor.place = {};
  const rest = size - (dataStart + alignUp(end, alignment));
  if (rest > 0) throw cursor.error('trailing', `the last ${rest} bytes belong to no tensor`);
  const tensors = new Map<string, GgufTensorInfo>();
  for (const { name, type, shape, byteLength, offset } of described) {
    if (tensors.has(name)) {
      cursor.place = { tensor: name };
      throw cursor.error('duplicate-key', 'every tensor may be there once, this one is twice');
    }
    tensors.set(name, { name, type, shape, byteOffset: dataStart + offset, byteLength });
  }
  return tensors;
}

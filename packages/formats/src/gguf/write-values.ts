// Metadata values and other parts of a GGUF header to bytes.
import { show } from '../display.ts';
import { FormatError } from '../errors.ts';
import { DTYPES } from '../safetensors/dtype.ts';
import { encodeUtf8, hasLoneSurrogate } from '../utf8.ts';
import { type GgufArray, type GgufValue, MAX_ARRAY_DEPTH, VALUE_TYPES } from './values.ts';

/** Bytes that grow as they are written. */
export class HeaderBytes {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Length and UTF-8; the caller has seen to it that the text has such a form. */
  string(text: string): void {
    const encoded = encodeUtf8(text);
    this.u64(encoded.length);
    this.bytes(encoded);
  }

  /** Zeros up to a multiple of the alignment. */
  pad(alignment: number): void {
    const rest = this.#length % alignment;
    if (rest > 0) this.#reserve(alignment - rest);
  }

  /** All of them. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Where the next bytes go. The buffer may be another one afterwards. */
  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }
}

/** @throws FormatError `value` or `too-deep`, naming the key, for what the type cannot hold */
export function writeValue(out: HeaderBytes, key: string, value: GgufValue): void {
  out.u32(typeId(key, value.type));
  if (value.type === 'array') writeArray(out, key, value, 1);
  else if (value.type === 'string') out.string(requireText(key, value.value));
  else if (value.type === 'bool') out.bytes(Uint8Array.of(requireBool(key, value.value) ? 1 : 0));
  else writeNumber(out, key, value);
}

function writeNumber(
  out: HeaderBytes,
  key: string,
  { type, value }: Exclude<GgufValue, GgufArray | { readonly type: 'string' | 'bool' }>,
): void {
  const { array, bytes } = DTYPES[type];
  const wanted = type === 'u64' || type === 'i64' ? 'bigint' : 'number';
  if (typeof value !== wanted) throw invalid(key, `a ${wanted} is required for ${type}`, value);
  const held = new array(new ArrayBuffer(bytes), 0, 1);
  held[0] = value;
  // Floats are rounded, integers may not change.
  if (type !== 'f32' && type !== 'f64' && held[0] !== value)
    throw invalid(key, `a ${type} is required`, value);
  out.bytes(new Uint8Array(held.buffer));
}

function writeArray(out: HeaderBytes, key: string, { of, value }: GgufArray, depth: number): void {
  if (depth > MAX_ARRAY_DEPTH)
    throw new FormatError(
      'too-deep',
      `[gguf] key ${show(key)} to write: at most ${MAX_ARRAY_DEPTH} levels of arrays are possible; flatten it`,
      { key },
    );
  out.u32(typeId(key, of));
  if (of === 'string' || of === 'array') {
    if (!Array.isArray(value)) throw invalid(key, `an array is required for ${of}`, value);
    out.u64(value.length);
    if (of === 'string') for (const text of value) out.string(requireText(key, text));
    else for (const inner of value) writeArray(out, key, inner, depth + 1);
    return;
  }
  const required = DTYPES[of].array.name;
  const got = ArrayBuffer.isView(value) ? value[Symbol.toStringTag] : show(value);
  if (got !== required) throw invalid(key, `a ${required} is required for ${of}`, got);
  if (of === 'bool') for (const item of value) requireBool(key, item === 0 || item === 1 ? item === 1 : item);
  out.u64(value.length);
  out.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
}

function typeId(key: string, type: GgufValue['type']): number {
  const id = VALUE_TYPES.indexOf(type);
  if (id >= 0) return id;
  throw invalid(key, `a type of ${VALUE_TYPES.join(', ')} is required`, type);
}

function requireText(key: string, text: unknown): string {
  if (typeof text === 'string' && !hasLoneSurrogate(text)) return text;
  throw invalid(key, 'well-formed text is required', text);
}

function requireBool(key: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(key, 'true or false is required', value);
}

function invalid(key: string, requirement: string, got: unknown): FormatError {
  const shown = typeof got === 'bigint' ? `${got}n` : show(got);
  const message = `[gguf] key ${show(key)} to write: ${requirement}, got ${shown}; correct it`;
  return new FormatError('value', message, { key });
}

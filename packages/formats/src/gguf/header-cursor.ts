// Reads a GGUF header from front to back without knowing how long it is: a window over the file grows as it is needed,
// so that the cost is the header and little more, in memory as over the network. It believes no length before the file
// is known to hold that many bytes.
import { show, showName } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { allocateBytes, type ByteReader, readExactly } from '../io/byte-reader.ts';
import { MAX_HEADER_BYTES } from '../safetensors/header.ts';

/** Most bytes of metadata and tensor descriptions; the largest vocabularies take a fifth of it. */
const MAX_BYTES: number = MAX_HEADER_BYTES;

const FIRST_WINDOW = 64 * 2 ** 10;
const LARGEST_STEP = 4 * 2 ** 20;

/** Thrown and caught here: the window ends before the entry does. */
const SHORTAGE: unique symbol = Symbol('shortage');

/** What an error is about. */
export interface HeaderPlace {
  readonly key?: string;
  readonly tensor?: string;
  /** Where neither name is known yet: `metadata entry 3 of 20`. */
  readonly entry?: string;
}

export class HeaderCursor {
  readonly file: string;
  /** Goes into every error from here on. */
  place: HeaderPlace = {};
  readonly #reader: ByteReader;
  readonly #signal: AbortSignal | undefined;
  readonly #decoder: TextDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  /** Where the window begins in the file, and where we are in the window. */
  #start = 0;
  #at = 0;
  #needed = 0;
  #step: number = FIRST_WINDOW;

  constructor(reader: ByteReader, file: string, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.file = file;
    this.#signal = signal;
  }

  /** Bytes of the file before this place. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** Bytes of the file from here on. */
  get left(): number {
    return this.#reader.size - this.position;
  }

  /** One entry: `parse` reads with the methods below, and is called again when more of the file had to be fetched. */
  async entry<T>(parse: () => T): Promise<T> {
    for (;;) {
      const begin = this.#at;
      try {
        return parse();
      } catch (error) {
        if (error !== SHORTAGE) throw error;
        this.#at = begin;
        await this.#grow();
      }
    }
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** The next bytes, which stay valid until the entry ends. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /**
   * A count from the file, of things that take at least `bytesEach`.
   * @throws FormatError `truncated` where the file cannot hold them, `header` where they would be too many
   */
  count(what: string, bytesEach: number): number {
    const at = this.#take(8);
    // Exact where it matters: below 2^53. Many strings are counted, and a BigInt for each would take most of the time.
    const count = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
    const fits = count * bytesEach <= this.left;
    if (fits && this.position + count * bytesEach <= MAX_BYTES) return count;
    const announced = `it announces ${this.#view.getBigUint64(at, true)} ${what}`;
    if (!fits) throw this.error('truncated', `${announced}, only ${this.left} bytes of the file follow`);
    throw this.error('header', `a header of at most ${MAX_BYTES} bytes is required, ${announced}`);
  }

  /** @throws FormatError `encoding` for what is not UTF-8 */
  string(): string {
    const bytes = this.bytes(this.count('bytes of text', 1));
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw this.error('encoding', 'text must be UTF-8, this is not');
    }
  }

  error(code: FormatErrorCode, problem: string, advice: string = DAMAGED): FormatError {
    const { key, tensor, entry } = this.place;
    let where = entry === undefined ? '' : `, ${entry}`;
    if (key !== undefined) where = `, key ${show(key)}`;
    if (tensor !== undefined) where = `, tensor ${show(tensor)}`;
    const message = `[gguf] ${showName(this.file)}${where}: ${problem}; ${advice}`;
    return new FormatError(code, message, { file: this.file, key, tensor });
  }

  /** Steps over `length` bytes and returns where they are in the window. */
  #take(length: number): number {
    if (length > this.left) {
      throw this.error(
        'truncated',
        `${length} bytes are required at ${this.position}, the file ends at ${this.#reader.size}`,
        'it is cut off or damaged: fetch or save it again',
      );
    }
    if (this.position + length > MAX_BYTES) {
      throw this.error('header', `a header of at most ${MAX_BYTES} bytes is required, this one goes on`);
    }
    const at = this.#at;
    if (at + length > this.#bytes.length) {
      this.#needed = at + length;
      throw SHORTAGE;
    }
    this.#at = at + length;
    return at;
  }

  /** Drops what was read and fetches what the entry needs, or twice as much as before. */
  async #grow(): Promise<void> {
    const kept = this.#bytes.subarray(this.#at);
    const begin = this.position;
    const wanted = Math.max(this.#needed - this.#at, 2 * kept.length, this.#step);
    const bytes = allocateBytes(this.file, Math.min(wanted, this.#reader.size - begin));
    bytes.set(kept);
    const from = begin + kept.length;
    bytes.set(await readExactly(this.#reader, from, bytes.length - kept.length, this.#signal), kept.length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#start = begin;
    this.#at = 0;
    this.#step = Math.min(2 * this.#step, LARGEST_STEP);
  }
}

const DAMAGED = 'the file is damaged or was not written by a GGUF writer: fetch or save it again';

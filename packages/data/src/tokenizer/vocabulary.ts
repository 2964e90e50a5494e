/** Ids to text: the bytes of every token, and decoding at once or id by id. */
import { TokenizerError } from '../errors.ts';
import type { DecodeOptions, DecoderOptions, StreamDecoder } from './tokenizer.ts';

/** One id and what it stands for. */
export interface TokenBytes {
  readonly id: number;
  /** UTF-8, or a part of it. */
  readonly bytes: Uint8Array;
  /** Special tokens can be left out of the text. */
  readonly special: boolean;
}

export interface Vocabulary {
  /** Largest id + 1. */
  readonly size: number;
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  decoder(options?: DecoderOptions): StreamDecoder;
}

/** Takes the pieces of one text in order and gives them as they should be read. */
export type EditText = (piece: string) => string;

const [NOTHING, TOKEN, SPECIAL] = [0, 1, 2];

/**
 * Later tokens of an id replace earlier ones.
 * @param editor called for each text
 */
export function createVocabulary(
  tokens: Iterable<TokenBytes>,
  editor: () => EditText = () => (piece) => piece,
): Vocabulary {
  const list = [...tokens];
  let [size, bytes] = [0, 0];
  for (const token of list) {
    size = Math.max(size, token.id + 1);
    bytes += token.bytes.length;
  }
  // One buffer for all: a hundred thousand small arrays would cost ten times as much.
  const kinds = new Uint8Array(size);
  const starts = new Int32Array(size);
  const ends = new Int32Array(size);
  const buffer = new Uint8Array(bytes);
  let at = 0;
  for (const token of list) {
    kinds[token.id] = token.special ? SPECIAL! : TOKEN!;
    buffer.set(token.bytes, at);
    starts[token.id] = at;
    at += token.bytes.length;
    ends[token.id] = at;
  }

  const bytesOf = (id: number, index: number): Uint8Array => {
    if (Number.isInteger(id) && id >= 0 && id < size && kinds[id] !== NOTHING)
      return buffer.subarray(starts[id], ends[id]);
    const inRange = Number.isInteger(id) && id >= 0 && id < size;
    const what = inRange
      ? `id ${id} stands for nothing`
      : `ids must be integers from 0 to ${size - 1}, got ${id}`;
    const hint =
      'the ids come from another vocabulary, or the model has more rows than the vocabulary has tokens';
    throw new TokenizerError('vocabulary', 'decode', `${what}, at index ${index}`, hint);
  };

  return {
    size,
    decode(ids, { specialTokens = 'text' } = {}) {
      let all = new Uint8Array(64);
      let length = 0;
      for (let index = 0; index < ids.length; index++) {
        const piece = bytesOf(ids[index]!, index);
        if (specialTokens === 'skip' && kinds[ids[index]!] === SPECIAL) continue;
        if (length + piece.length > all.length) all = grown(all, length + piece.length);
        all.set(piece, length);
        length += piece.length;
      }
      return editor()(createUtf8().decode(all.subarray(0, length)));
    },
    decoder({ specialTokens = 'text', after = [] } = {}) {
      const utf8 = createUtf8();
      let edit = editor();
      let count = 0;
      const push = (id: number): string => {
        const piece = bytesOf(id, count);
        count++;
        if (specialTokens === 'skip' && kinds[id] === SPECIAL) return '';
        return edit(utf8.decode(piece, { stream: true }));
      };
      for (let index = 0; index < after.length; index++) push(after[index]!);
      return {
        push,
        flush() {
          const rest = edit(utf8.decode());
          count = 0;
          edit = editor();
          return rest;
        },
      };
    },
  };
}

function createUtf8(): TextDecoder {
  // A byte order mark is text like any other here.
  return new TextDecoder('utf-8', { ignoreBOM: true });
}

function grown(bytes: Uint8Array<ArrayBuffer>, atLeast: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(atLeast, bytes.length * 2));
  larger.set(bytes);
  return larger;
}

/** Ids to text: the bytes of every token, and decoding at once or id by id. */
import { TokenizerError } from '../errors.ts';
import type { TokenizerDefinition } from './definition.ts';
import type { StreamDecoder } from './tokenizer.ts';

export interface Vocabulary {
  /** Largest id + 1. */
  readonly size: number;
  decode(ids: ArrayLike<number>): string;
  decoder(): StreamDecoder;
}

export function createVocabulary({ tokens, specialTokens }: TokenizerDefinition): Vocabulary {
  const specials = new Map([...specialTokens].map(([content, id]) => [id, content]));
  let size = 0;
  for (const ids of [tokens.keys(), specials.keys()]) {
    for (const id of ids) size = Math.max(size, id + 1);
  }

  const unknown = (id: number, index: number): never => {
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
    decode(ids) {
      const utf8 = createUtf8();
      let text = '';
      let run = new Uint8Array(64);
      let length = 0;
      // A special token ends a run: an incomplete character before it stays incomplete.
      const endRun = (): void => {
        text += utf8.decode(run.subarray(0, length));
        length = 0;
      };
      for (let index = 0; index < ids.length; index++) {
        const id = ids[index]!;
        const bytes = tokens.get(id);
        if (bytes) {
          if (length + bytes.length > run.length) run = grown(run, length + bytes.length);
          run.set(bytes, length);
          length += bytes.length;
        } else {
          endRun();
          text += specials.get(id) ?? unknown(id, index);
        }
      }
      endRun();
      return text;
    },
    decoder() {
      const utf8 = createUtf8();
      let count = 0;
      return {
        push(id) {
          const bytes = tokens.get(id);
          const content = bytes ? '' : (specials.get(id) ?? unknown(id, count));
          count++;
          return bytes ? utf8.decode(bytes, { stream: true }) : utf8.decode() + content;
        },
        flush() {
          count = 0;
          return utf8.decode();
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

/** Documents to one stream of tokens, each document followed by the end of text. */
import { DataError } from '../errors.ts';
import { createPauses } from '../pauses.ts';
import type { EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.ts';

/** A token stream: 2 bytes a token where the vocabulary has at most 65,536, otherwise 4. */
export type Tokens = Uint16Array | Int32Array;

export interface TokenizeOptions extends EncodeOptions {
  /** Called after each document. */
  readonly onProgress?: (progress: { readonly documents: number; readonly tokens: number }) => void;
  readonly signal?: AbortSignal;
}

/** Ids as a stream of the type that their vocabulary asks for. Throws `DataError` (`vocabulary`) for ids beyond it. */
export function toTokens(ids: ArrayLike<number>, vocabularySize: number): Tokens {
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!;
    if (Number.isInteger(id) && id >= 0 && id < vocabularySize) continue;
    const what = `ids must be integers from 0 to ${vocabularySize - 1}, got ${id} at index ${index}`;
    throw new DataError('vocabulary', 'toTokens', what);
  }
  return vocabularySize <= 0x10000 ? Uint16Array.from(ids) : Int32Array.from(ids);
}

/**
 * Tokens of all documents in order, the end of text after each, also after the last: a model learns to end there. What a
 * published model's tokenizer puts before a text stands before each.
 * Gives the event loop a turn between documents. Throws `DataError` (`empty`) when there is no document, and the signal's reason when aborted.
 */
export async function tokenizeDocuments(
  documents: Iterable<string> | AsyncIterable<string>,
  tokenizer: Tokenizer,
  options: TokenizeOptions = {},
): Promise<Tokens> {
  const { vocabularySize, endOfText } = tokenizer;
  const parts: Tokens[] = [];
  let total = 0;
  const pause = createPauses(options.signal);
  for await (const document of documents) {
    await pause();
    const ids = toTokens(tokenizer.encode(document, options), vocabularySize);
    parts.push(ids);
    total += ids.length + 1;
    options.onProgress?.({ documents: parts.length, tokens: total });
  }
  if (parts.length === 0) throw new DataError('empty', 'tokenizeDocuments', 'there is no document');
  const tokens = vocabularySize <= 0x10000 ? new Uint16Array(total) : new Int32Array(total);
  let at = 0;
  for (const ids of parts) {
    tokens.set(ids, at);
    at += ids.length;
    tokens[at++] = endOfText;
  }
  return tokens;
}

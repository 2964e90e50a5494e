/** Training and validation parts of one token stream: whole documents where there are enough, else its two ends. */
import { DataError, PackingError, requireInteger } from '../errors.ts';
import { permutation } from './random.ts';
import type { Tokens } from './tokens.ts';

export interface SplitOptions {
  /** Share of the tokens to hold back, above 0 and below 1. */
  readonly validationFraction: number;
  /** Id that ends a document. */
  readonly endOfText: number;
  /** Decides which documents are held back; default 0. */
  readonly seed?: number;
  /**
   * `document`: whole documents chosen by the seed, in their order. `token`: the end of the stream. Default `auto`:
   * documents, unless they are so few or uneven that the share would be missed by more than half of it.
   */
  readonly level?: 'auto' | 'document' | 'token';
}

export interface Split {
  readonly train: Tokens;
  readonly validation: Tokens;
  readonly level: 'document' | 'token';
}

/**
 * Both parts together hold every token once; the same on every machine.
 * Throws `PackingError` (`too-short`) when one part would be empty, `DataError` (`value`) for a share out of range.
 */
export function splitTokens(tokens: Tokens, options: SplitOptions): Split {
  const { validationFraction: fraction, endOfText, seed = 0, level = 'auto' } = options;
  if (!(fraction > 0 && fraction < 1)) {
    throw new DataError(
      'value',
      'splitTokens',
      `validationFraction must lie between 0 and 1, got ${fraction}`,
    );
  }
  requireInteger('splitTokens', 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
  const wanted = Math.round(tokens.length * fraction);
  if (level !== 'token') {
    const ends = documentEnds(tokens, endOfText);
    const held = chooseDocuments(ends, wanted, seed);
    const usable = held.size > 0 && held.size < ends.length;
    const close = Math.abs(held.tokens - wanted) <= wanted / 2;
    if (usable && (close || level === 'document'))
      return { ...byDocument(tokens, ends, held), level: 'document' };
    if (level === 'document') {
      const what = `two documents are needed, the data has ${ends.length}`;
      throw new PackingError('too-short', 'splitTokens', what, "give more documents, or level: 'token'");
    }
  }
  if (wanted < 1 || wanted >= tokens.length) {
    const what = `${tokens.length} tokens leave one part empty at a validationFraction of ${fraction}`;
    throw new PackingError('too-short', 'splitTokens', what, 'give more text or another share');
  }
  const cut = tokens.length - wanted;
  return { train: tokens.slice(0, cut), validation: tokens.slice(cut), level: 'token' };
}

/** Index after each document's last token; a tail without end of text is a document too. */
function documentEnds(tokens: Tokens, endOfText: number): number[] {
  const ends: number[] = [];
  for (let at = tokens.indexOf(endOfText); at >= 0; at = tokens.indexOf(endOfText, at + 1)) ends.push(at + 1);
  if ((ends.at(-1) ?? 0) < tokens.length) ends.push(tokens.length);
  return ends;
}

interface Held {
  has(document: number): boolean;
  readonly size: number;
  readonly tokens: number;
}

/** Goes through the documents in random order and holds back each that brings the sum nearer to what is wanted. */
function chooseDocuments(ends: readonly number[], wanted: number, seed: number): Held {
  const chosen = new Set<number>();
  let sum = 0;
  let smallest = 0;
  for (const document of permutation(ends.length, seed, SPLIT_STREAM)) {
    const length = lengthOf(ends, document);
    if (length < lengthOf(ends, smallest)) smallest = document;
    if (Math.abs(sum + length - wanted) >= Math.abs(sum - wanted)) continue;
    chosen.add(document);
    sum += length;
  }
  // All of them larger than twice the share: the smallest misses it least.
  if (chosen.size === 0 && ends.length > 0) {
    chosen.add(smallest);
    sum = lengthOf(ends, smallest);
  }
  return { has: (document) => chosen.has(document), size: chosen.size, tokens: sum };
}

/** A stream of random numbers that no epoch reaches. */
const SPLIT_STREAM = Number.MAX_SAFE_INTEGER;

function lengthOf(ends: readonly number[], document: number): number {
  return ends[document]! - (ends[document - 1] ?? 0);
}

function byDocument(tokens: Tokens, ends: readonly number[], held: Held): Omit<Split, 'level'> {
  const validation = tokens.slice(0, held.tokens);
  const train = tokens.slice(0, tokens.length - held.tokens);
  let inValidation = 0;
  let inTrain = 0;
  for (const [document, end] of ends.entries()) {
    const part = tokens.subarray(end - lengthOf(ends, document), end);
    if (held.has(document)) {
      validation.set(part, inValidation);
      inValidation += part.length;
    } else {
      train.set(part, inTrain);
      inTrain += part.length;
    }
  }
  return { train, validation };
}

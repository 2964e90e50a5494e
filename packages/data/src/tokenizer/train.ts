/**
 * Byte-level BPE training (Sennrich et al. 2016, on bytes as in GPT-2): count pre-tokens, then merge the most frequent
 * adjacent pair again and again. Deterministic: the order of the texts, the machine and the clock do not matter.
 */
import { byteLevelTokenizer } from '@qsparse/formats';
import { DataError, requireInteger, TokenizerError } from '../errors.ts';
import { createPauses } from '../pauses.ts';
import { BYTE_SYMBOLS } from './alphabet.ts';
import { bpeTokenizer } from './bpe.ts';
import { readDefinition } from './definition.ts';
import { createPairTable } from './pair-table.ts';
import { detached, preTokens } from './pre-tokenize.ts';
import { checkSpecialTokens, createSpecialSplitter, END_OF_TEXT } from './special-tokens.ts';
import { MAX_VOCABULARY_SIZE, type Tokenizer } from './tokenizer.ts';

export interface TrainBpeOptions {
  /** Size of the vocabulary with its 256 bytes and special tokens; fewer when the text has no more pairs to merge. */
  readonly vocabSize: number;
  /** Ids from 256 on, in this order; merged tokens follow. Default `<|endoftext|>` alone. */
  readonly specialTokens?: readonly string[];
  /** Which of them ends a document; default `<|endoftext|>`. */
  readonly endOfText?: string;
  /** Pairs that come less often are not merged; default 2. */
  readonly minFrequency?: number;
  readonly onProgress?: (progress: TrainBpeProgress) => void;
  readonly signal?: AbortSignal;
}

export interface TrainBpeProgress {
  readonly phase: 'count' | 'merge';
  /** Characters read, or tokens in the vocabulary. */
  readonly done: number;
  /** Tokens to reach; unknown while counting. */
  readonly total: number | undefined;
}

/**
 * A tokenizer trained on the texts. Of equally frequent pairs the one with the smaller left id is merged first, then
 * the one with the smaller right id; bytes have ids 0 to 255, tokens made earlier have smaller ids.
 * Gives the event loop a turn about 20 times a second. Throws `TokenizerError` (`vocabulary`) for a size or special
 * tokens that do not fit, `DataError` (`empty`) without text, and the signal's reason when aborted.
 */
export async function trainBpe(
  texts: Iterable<string> | AsyncIterable<string>,
  options: TrainBpeOptions,
): Promise<Tokenizer> {
  const { vocabSize, specialTokens = [END_OF_TEXT], endOfText = END_OF_TEXT, minFrequency = 2 } = options;
  checkSpecialTokens('trainBpe', specialTokens, endOfText);
  const smallest = BYTE_SYMBOLS.length + specialTokens.length;
  if (!Number.isInteger(vocabSize) || vocabSize < smallest || vocabSize > MAX_VOCABULARY_SIZE) {
    const what = `vocabSize must be an integer from ${smallest} (256 bytes and ${specialTokens.length} special tokens)`;
    throw new TokenizerError('vocabulary', 'trainBpe', `${what} to ${MAX_VOCABULARY_SIZE}, got ${vocabSize}`);
  }
  requireInteger('trainBpe', 'minFrequency', minFrequency, 1, Number.MAX_SAFE_INTEGER);

  const pause = createPauses(options.signal);
  const frequencies = await countPreTokens(texts, specialTokens, options, pause);
  const table = createPairTable(frequencies);
  // Spelling by id, and back: bytes, special tokens, then what is merged.
  const spellings = [...BYTE_SYMBOLS, ...specialTokens];
  const vocab = new Map(spellings.map((spelling, id) => [spelling, id]));
  const merges: [string, string][] = [];

  while (spellings.length < vocabSize) {
    if (await pause()) options.onProgress?.({ phase: 'merge', done: spellings.length, total: vocabSize });
    const pair = table.takeBest();
    if (!pair || pair.count < minFrequency) break;
    const [left, right] = [spellings[pair.left]!, spellings[pair.right]!];
    // tokenizer.json could not tell the two apart.
    if (specialTokens.includes(left + right)) continue;
    // Always a new token: equal bytes are merged in equal steps, so no other pair has made it before.
    const result = spellings.push(left + right) - 1;
    vocab.set(left + right, result);
    merges.push([left, right]);
    table.merge(pair, result);
  }
  options.onProgress?.({ phase: 'merge', done: spellings.length, total: vocabSize });
  const specialIds = new Map(specialTokens.map((content) => [content, vocab.get(content)!]));
  return bpeTokenizer(
    readDefinition(byteLevelTokenizer({ vocab, merges, specialTokens: specialIds })),
    endOfText,
  );
}

async function countPreTokens(
  texts: Iterable<string> | AsyncIterable<string>,
  specialTokens: readonly string[],
  options: TrainBpeOptions,
  pause: () => Promise<boolean>,
): Promise<ReadonlyMap<string, number>> {
  const splitter = createSpecialSplitter(specialTokens);
  const frequencies = new Map<string, number>();
  let done = 0;
  for await (const text of texts) {
    for (const [index, part] of splitter.split(text).entries()) {
      if (index % 2 === 1) continue;
      for (const words of preTokens(part)) {
        for (const word of words) {
          const known = frequencies.get(word);
          if (known !== undefined) {
            frequencies.set(word, known + 1);
            continue;
          }
          const copy = detached(word);
          frequencies.set(copy, (frequencies.get(copy) ?? 0) + 1);
        }
        for (const word of words) done += word.length;
        if (await pause()) options.onProgress?.({ phase: 'count', done, total: undefined });
      }
    }
  }
  options.onProgress?.({ phase: 'count', done, total: undefined });
  if (frequencies.size === 0) throw new DataError('empty', 'trainBpe', 'there is no text to train on');
  return frequencies;
}

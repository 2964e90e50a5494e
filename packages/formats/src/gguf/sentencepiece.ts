// SentencePiece's BPE (Llama 2, Mistral) between the two forms that it is kept in: GGUF has a score for each token, and
// llama.cpp joins neighbours that make a token together, the best score first; tokenizer.json lists every such pair.
import { show } from '../display.ts';
import { byteTokens } from '../tokenizer/byte-alphabet.ts';
import type {
  BpeModel,
  Normalizer,
  NormalizerStep,
  TokenDecoder,
  TokenizerJson,
} from '../tokenizer/types.ts';
import { cannot } from './around-text.ts';

const MARK = '▁';

/**
 * Every pair of tokens that makes a token, that with the best score first; of equal scores the lower id, of one token
 * the shorter left part. llama.cpp takes of equal scores the one that comes first in the text, which is another order
 * only where tokens share a score.
 */
export function mergesByScore(
  vocab: ReadonlyMap<string, number>,
  scores: ArrayLike<number>,
): (readonly [string, string])[] {
  const tokens = [...vocab].sort(([, a], [, b]) => scores[b]! - scores[a]! || a - b);
  return tokens.flatMap(([token]) => pairsOf(token, vocab));
}

/** Ways to divide a token into two others, the shorter left part first. */
function pairsOf(token: string, vocab: ReadonlyMap<string, number>): [string, string][] {
  const pairs: [string, string][] = [];
  let left = '';
  for (const character of token) {
    if (left !== '' && vocab.has(left) && vocab.has(token.slice(left.length)))
      pairs.push([left, token.slice(left.length)]);
    left += character;
  }
  return pairs;
}

/**
 * A score for each id, so that llama.cpp joins as the merges say: whole numbers from 0 down, in the order of the merges;
 * tokens that nothing makes have the least.
 * @throws FormatError `value` where no scores do: a token that two tokens make without a merge, or merges of one token
 * that others stand between
 */
export function scoresOfMerges(
  { vocab, merges }: BpeModel,
  special: ReadonlySet<string>,
  rows: number,
): Float32Array {
  const listed = new Set(merges.map(([left, right]) => pairKey(left, right)));
  for (const token of vocab.keys()) {
    if (special.has(token) || isByte(token)) continue;
    const missing = pairsOf(token, vocab).find(([left, right]) => !listed.has(pairKey(left, right)));
    if (missing)
      throw cannot(
        'model.merges',
        `llama.cpp joins ${show(missing[0])} and ${show(missing[1])}, which are a token together, there is no such merge`,
      );
  }
  const scoreOf = new Map<string, number>();
  let last: string | undefined;
  for (const [left, right] of merges) {
    const token = left + right;
    if (token === last) continue;
    if (scoreOf.has(token))
      throw cannot('model.merges', `all merges that make ${show(token)} must follow one another`);
    scoreOf.set(token, 0 - scoreOf.size);
    last = token;
  }
  const least = 0 - scoreOf.size;
  const scores = new Float32Array(rows);
  for (const [token, id] of vocab)
    scores[id] = special.has(token) || isByte(token) ? 0 : (scoreOf.get(token) ?? least);
  return scores;
}

const BYTES: ReadonlySet<string> = new Set(byteTokens());

/** Whether a token stands for a byte: `<0x0A>`. */
export function isByte(token: string): boolean {
  return BYTES.has(token);
}

/** No token has this character. */
const pairKey = (left: string, right: string): string => `${left}\u0000${right}`;

const SPACES: NormalizerStep = { type: 'Replace', pattern: { String: ' ' }, content: MARK };
const PREFIX: NormalizerStep = { type: 'Prepend', prepend: MARK };

/** As converters write Llama 2's: a mark before each text, where `addsSpacePrefix`, and one for each space. */
export function sentencePieceNormalizer(addsSpacePrefix: boolean): Normalizer {
  return { type: 'Sequence', normalizers: addsSpacePrefix ? [PREFIX, SPACES] : [SPACES] };
}

export function sentencePieceDecoder(addsSpacePrefix: boolean): TokenDecoder {
  return {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: MARK }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      ...(addsSpacePrefix ? [{ type: 'Strip' as const, content: ' ', start: 1, stop: 0 }] : []),
    ],
  };
}

/**
 * Whether a mark is put before each text, if texts become tokens as llama.cpp's `llama` makes them; undefined if they
 * become others.
 */
export function spacePrefixOf({
  normalizer,
  pre_tokenizer: divided,
  model,
}: TokenizerJson): boolean | undefined {
  if (divided !== null || !model.byte_fallback || model.ignore_merges) return undefined;
  const steps = normalizer?.type === 'Sequence' ? normalizer.normalizers : [normalizer];
  const replaces = (step: NormalizerStep | null | undefined): boolean =>
    step?.type === 'Replace' && step.pattern.String === ' ' && step.content === MARK;
  const prepends = (step: NormalizerStep | null | undefined): boolean =>
    step?.type === 'Prepend' && (step.prepend === MARK || step.prepend === ' ');
  if (steps.length === 1 && replaces(steps[0])) return false;
  if (steps.length !== 2) return undefined;
  // In either order, a space before spaces are replaced too.
  if (prepends(steps[0]) && replaces(steps[1])) return true;
  return replaces(steps[0]) && steps[1]?.type === 'Prepend' && steps[1].prepend === MARK ? true : undefined;
}

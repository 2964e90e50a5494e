/** Whether a tokenizer and an embedding belong together. */
import { requireInteger, TokenizerError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Models round their embedding up: published ones of the families here by 2,385 rows of 102,400 at most. */
const UNUSED_ROWS = 1024;
const UNUSED_SHARE = 0.05;

/**
 * Rows of the embedding that no token uses. Every id needs a row; rows beyond the ids are padding, as long as there are
 * few of them: at most 1,024 or a twentieth.
 * @param rows of the model's embedding
 * @param place names the model in messages
 * Throws `TokenizerError` (`vocabulary`) for more ids than rows, and for far fewer.
 */
export function checkVocabulary(
  tokenizer: Pick<Tokenizer, 'vocabularySize'>,
  rows: number,
  place = 'the model',
): number {
  requireInteger('checkVocabulary', 'rows', rows, 1, Number.MAX_SAFE_INTEGER);
  const { vocabularySize } = tokenizer;
  const unused = rows - vocabularySize;
  if (unused >= 0 && unused <= Math.max(UNUSED_ROWS, UNUSED_SHARE * rows)) return unused;
  const what = `the embedding of ${place} has ${rows} rows, tokenizer.json ${vocabularySize} ids`;
  const hint = `${unused < 0 ? 'some ids have no row' : 'too many rows stand for nothing'}; use the tokenizer that belongs to the weights`;
  throw new TokenizerError('vocabulary', 'checkVocabulary', what, hint);
}

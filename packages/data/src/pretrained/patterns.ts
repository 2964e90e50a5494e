/**
 * Regular expressions of tokenizer.json, which are in Oniguruma's language, to JavaScript's. The translation is that of
 * @huggingface/tokenizers: this is the one file that loads it.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { quoted, TokenizerError } from '../errors.ts';
import { costlyPart } from './pattern-cost.ts';
import type { CompilePattern } from './steps.ts';

/** Patterns of models have some hundred characters. */
const LONGEST = 10_000;

/** @param file the name of tokenizer.json, for messages */
export function patternCompiler(file: string): CompilePattern {
  return (source) => {
    const refuse = (what: string, cause?: unknown): never => {
      const message = `${file}: the pattern ${quoted(source)} of pre_tokenizer ${what}`;
      throw new TokenizerError('tokenizer-json', 'loadTokenizer', message, 'is the file damaged?', cause);
    };
    if (source.length > LONGEST) refuse(`may have ${LONGEST} characters, it has ${source.length}`);
    const costly = costlyPart(source);
    if (costly !== undefined) refuse(`${costly}: a short text could take for ever`);
    let pattern: unknown;
    try {
      pattern = translate(source);
    } catch (error) {
      return refuse('is no regular expression that can be read here', error);
    }
    return pattern instanceof RegExp ? pattern : refuse('is no regular expression that can be read here');
  };
}

/** The library translates where a tokenizer is made: this one has a pattern and nothing else. */
function translate(source: string): unknown {
  const split = { type: 'Split', pattern: { Regex: source }, behavior: 'Isolated', invert: false };
  const model = { type: 'BPE', vocab: {}, merges: [] };
  const parts = { normalizer: null, pre_tokenizer: split, post_processor: null, decoder: null };
  const tokenizer = new Tokenizer({ ...parts, model, added_tokens: [] }, {});
  const { pre_tokenizer: step } = tokenizer as { pre_tokenizer: { pattern?: unknown } | null };
  return step?.pattern;
}

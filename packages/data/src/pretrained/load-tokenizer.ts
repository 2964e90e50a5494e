/** Tokenizers of published models, from the files of their folders. What reads them is loaded when it is needed. */
import type { TokenizerFiles } from './named-tokens.ts';
import type { LoadTokenizerOptions, PretrainedTokenizer } from './pretrained-tokenizer.ts';

/** Names of the files that `loadTokenizer` knows; all but the first may be missing. */
export const TOKENIZER_FILES: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'generation_config.json',
  'config.json',
  'chat_template.jinja',
  'chat_template.json',
];

/**
 * The tokenizer of a model: BPE in the forms of GPT-2, Llama 3, Qwen, BitNet (byte-level) and of Llama 2, Mistral
 * (SentencePiece's, with byte fallback). Ids equal those of Hugging Face's tokenizers.
 * @param files texts or bytes by their names, those of `TOKENIZER_FILES` that the folder has
 * Throws `FormatError` or `TokenizerError` (`tokenizer-json`) naming file and part for what is malformed, contradictory
 * or of another form; `TokenizerError` (`vocabulary`) when no file tells what ends a text.
 */
export async function loadTokenizer(
  files: TokenizerFiles,
  options: LoadTokenizerOptions = {},
): Promise<PretrainedTokenizer> {
  const { loadPretrained } = await import('./pretrained.ts');
  return loadPretrained(files, options);
}

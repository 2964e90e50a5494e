/** The text of a run: files to tokens, with the tokenizer they are read by. */
import { fileURLToPath } from 'node:url';
import {
  createByteTokenizer,
  splitTokens,
  type Tokenizer,
  type Tokens,
  tokenizeDocuments,
  trainBpe,
} from '@qsparse/data';
import { readDocumentFiles } from '@qsparse/data/node';
import type { Settings } from './settings.ts';

/** Public-domain novels that come with the command. */
export const BUNDLED_TEXT: string = fileURLToPath(new URL('../../data/novels.txt.br', import.meta.url));

export interface Corpus {
  readonly tokenizer: Tokenizer;
  readonly train: Tokens;
  readonly validation: Tokens;
  /** UTF-8 bytes of all documents, for bits per byte. */
  readonly bytes: number;
}

/** Reads and tokenizes. `tokenizer` is given when a run goes on. Throws TextError, TokenizerError or PackingError. */
export async function readCorpus(
  files: readonly string[],
  settings: Pick<Settings, 'tokenizer' | 'vocabulary' | 'validation' | 'seed'>,
  {
    tokenizer: given,
    signal,
  }: { readonly tokenizer?: Tokenizer | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<Corpus> {
  const cancel = signal ? { signal } : {};
  const documents: string[] = [];
  let bytes = 0;
  for await (const document of readDocumentFiles(files, cancel)) {
    documents.push(document);
    bytes += Buffer.byteLength(document);
  }
  const tokenizer =
    given ??
    (settings.tokenizer === 'byte'
      ? createByteTokenizer()
      : await trainBpe(documents, { vocabSize: settings.vocabulary, ...cancel }));
  const tokens = await tokenizeDocuments(documents, tokenizer, { specialTokens: 'text', ...cancel });
  const { train, validation } = splitTokens(tokens, {
    validationFraction: settings.validation,
    endOfText: tokenizer.endOfText,
    seed: settings.seed,
  });
  return { tokenizer, train, validation, bytes };
}

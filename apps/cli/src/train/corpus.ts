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

/** In place of a file: the public-domain novels that come with the command, wherever it is installed. */
export const BUNDLED = 'bundled';
const BUNDLED_TEXT = fileURLToPath(new URL('../../data/novels.txt.br', import.meta.url));

export interface Corpus {
  readonly tokenizer: Tokenizer;
  readonly train: Tokens;
  readonly validation: Tokens;
  /** UTF-8 bytes a token, for bits per byte. */
  readonly bytesPerToken: number;
}

/** Reads and tokenizes. Throws TextError, TokenizerError or PackingError, and the signal's reason. */
export async function readCorpus(
  files: readonly string[],
  settings: Pick<Settings, 'text-key' | 'tokenizer' | 'vocabulary' | 'validation' | 'seed'>,
  {
    tokenizer: given,
    signal,
  }: {
    /** That of a run that goes on; otherwise one is made from the text. */
    readonly tokenizer?: Tokenizer | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<Corpus> {
  const cancel = signal ? { signal } : {};
  const paths = files.map((file) => (file === BUNDLED ? BUNDLED_TEXT : file));
  const documents: string[] = [];
  let bytes = 0;
  for await (const document of readDocumentFiles(paths, { ...cancel, textKey: settings['text-key'] })) {
    documents.push(document);
    bytes += Buffer.byteLength(document);
  }
  const tokenizer = given ?? (await makeTokenizer(documents, settings, cancel));
  const tokens = await tokenizeDocuments(documents, tokenizer, { specialTokens: 'text', ...cancel });
  const { train, validation } = splitTokens(tokens, {
    validationFraction: settings.validation,
    endOfText: tokenizer.endOfText,
    seed: settings.seed,
  });
  return { tokenizer, train, validation, bytesPerToken: bytes / tokens.length };
}

function makeTokenizer(
  documents: readonly string[],
  { tokenizer, vocabulary }: Pick<Settings, 'tokenizer' | 'vocabulary'>,
  cancel: { readonly signal?: AbortSignal },
): Tokenizer | Promise<Tokenizer> {
  if (tokenizer === 'byte') return createByteTokenizer();
  return trainBpe(documents, { vocabSize: vocabulary, ...cancel });
}

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
  /** UTF-8 bytes a token, for bits per byte: of the validation file, or of the whole text. */
  readonly bytesPerToken: number;
}

/** Reads and tokenizes. Throws TextError, TokenizerError or PackingError, and the signal's reason. */
export async function readCorpus(
  files: readonly string[],
  settings: Pick<
    Settings,
    'text-key' | 'tokenizer' | 'vocabulary' | 'validation' | 'validation-data' | 'seed'
  >,
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
  const documentsOf = async (paths: readonly string[]): Promise<readonly string[]> => {
    const documents: string[] = [];
    const options = { ...cancel, textKey: settings['text-key'] };
    for await (const document of readDocumentFiles(paths, options)) documents.push(document);
    return documents;
  };
  const tokensOf = (documents: readonly string[], tokenizer: Tokenizer): Promise<Tokens> =>
    tokenizeDocuments(documents, tokenizer, { specialTokens: 'text', ...cancel });
  const documents = await documentsOf(files.map((file) => (file === BUNDLED ? BUNDLED_TEXT : file)));
  const bytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document), 0);
  const tokenizer = given ?? (await makeTokenizer(documents, settings, cancel));
  const tokens = await tokensOf(documents, tokenizer);
  const apart = settings['validation-data'];
  if (apart !== '') {
    const held = await documentsOf([apart]);
    const heldBytes = held.reduce((sum, document) => sum + Buffer.byteLength(document), 0);
    const validation = await tokensOf(held, tokenizer);
    return { tokenizer, train: tokens, validation, bytesPerToken: heldBytes / validation.length };
  }
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

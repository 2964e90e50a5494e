/** What is converted or exported: any model folder, the newest checkpoint of a run, a GGUF file, or a llama2.c file beside its tokenizer. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkVocabulary, loadTokenizer, type PretrainedTokenizer, TOKENIZER_FILES } from '@qsparse/data';
import {
  formatConfig,
  formatTokenizerJson,
  parseConfig,
  readObject,
  type TensorStore,
} from '@qsparse/formats';
import { huggingFaceStore, openGguf, parseTokenizerMetadata } from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import type { DecoderConfig } from '@qsparse/layers';
import {
  formatModelConfig,
  llama2cTokenizer,
  type ModelFiles,
  openGgufModel,
  openLlama2c,
  openWeights,
  readModelConfig,
  readModelFile,
  readOptionalFile,
  type TernaryScale,
} from '@qsparse/models';
import { folderFiles, ggufTokenizerFiles, resolveModelFolder } from 'qsparse/node';

export interface Source {
  /** The folder or file, for messages. */
  readonly name: string;
  readonly decoder: DecoderConfig;
  readonly ternaryScale: TernaryScale | undefined;
  readonly beginOfText: number | undefined;
  readonly endOfText: number | undefined;
  /** Files that belong to the tokenizer, by name; empty where there is no tokenizer. */
  readonly tokenizer: Readonly<Record<string, Uint8Array>>;
  /** Closed by the caller. */
  openWeights(): Promise<TensorStore>;
}

/**
 * Reads everything but the weights. Throws FormatError or ValueError naming file and key.
 * @param files of a model that is not on this disk, in place of the path
 */
export async function openSource(path: string, files?: ModelFiles): Promise<Source> {
  if (files) return openFiles(files);
  const isFile = await stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (isFile && path.endsWith('.gguf')) return openGgufSource(path);
  if (isFile && path.endsWith('.bin')) return openLlama2cSource(path);
  return openFiles(folderFiles(await resolveModelFolder(path)));
}

async function openGgufSource(path: string): Promise<Source> {
  const { file, decoder } = await openGgufModel(await openFileReader(path));
  await file.close();
  const isTernary = decoder.linear.weights === 'ternary';
  const hasTokenizer = file.metadata.get('tokenizer.ggml.model')?.value !== 'none';
  const { beginOfText, endOfText } = hasTokenizer
    ? parseTokenizerMetadata(file.metadata, path)
    : { beginOfText: undefined, endOfText: undefined };
  const encoder = new TextEncoder();
  const texts = hasTokenizer ? Object.entries(ggufTokenizerFiles(file)) : [];
  return {
    name: path,
    decoder,
    ternaryScale: isTernary ? 'multiplies' : undefined,
    beginOfText,
    endOfText,
    tokenizer: Object.fromEntries(texts.map(([name, text]) => [name, encoder.encode(text)])),
    openWeights: async () =>
      huggingFaceStore(await openGguf(await openFileReader(path)), {
        ternary: isTernary ? 'integer' : 'float',
      }),
  };
}

/** Undefined where the source has none. Throws TokenizerError or FormatError naming the file. */
export async function sourceTokenizer({
  name,
  decoder,
  beginOfText,
  endOfText,
  tokenizer,
}: Source): Promise<PretrainedTokenizer | undefined> {
  if (!tokenizer['tokenizer.json']) return undefined;
  const config = formatConfig(formatModelConfig(decoder, { beginOfText, endOfText }));
  const nameOf = (file: string): string => `${name}/${file}`;
  const loaded = await loadTokenizer({ ...tokenizer, 'config.json': config }, { nameOf });
  checkVocabulary(loaded, decoder.vocabularySize, name);
  return loaded;
}

async function openFiles(files: ModelFiles): Promise<Source> {
  const { decoder, ternaryScale, endOfText } = await readModelConfig(files);
  const { bytes, name } = await readModelFile(files, 'config.json');
  const begin = readObject(parseConfig(bytes, name), name).get('bos_token_id');
  return {
    name: files.name,
    decoder,
    ternaryScale,
    beginOfText: typeof begin === 'number' ? begin : undefined,
    endOfText,
    tokenizer: await tokenizerFiles(files),
    openWeights: () => openWeights(files),
  };
}

async function tokenizerFiles(files: ModelFiles): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {};
  for (const name of TOKENIZER_FILES) {
    if (name === 'config.json') continue; // is written anew
    const file = await readOptionalFile(files, name);
    if (file) found[name] = file.bytes;
  }
  return found;
}

/** The tokens of every llama2.c vocabulary. */
const [BEGIN, END] = [1, 2];
const NAMES = '{ "bos_token": "<s>", "eos_token": "</s>" }\n';

/** `tokenizer.bin` is beside it, or `tok512.bin` where there are 512 tokens. */
async function openLlama2cSource(path: string): Promise<Source> {
  const { decoder, store } = await openLlama2c(await openFileReader(path));
  await store.close();
  const files = folderFiles(dirname(path));
  const own = await readOptionalFile(files, `tok${decoder.vocabularySize}.bin`);
  const { bytes, name } = own ?? (await readModelFile(files, 'tokenizer.bin'));
  const encoder = new TextEncoder();
  return {
    name: path,
    decoder,
    ternaryScale: undefined,
    beginOfText: BEGIN,
    endOfText: END,
    tokenizer: {
      'tokenizer.json': encoder.encode(formatTokenizerJson(llama2cTokenizer(bytes, name))),
      'tokenizer_config.json': encoder.encode(NAMES),
    },
    openWeights: async () => (await openLlama2c(await openFileReader(path))).store,
  };
}

/** A GGUF file on disk as a model with its tokenizer. */
import type { Device } from '@qsparse/core';
import { checkVocabulary, loadTokenizer, type PretrainedTokenizer } from '@qsparse/data';
import { formatTokenizerJson } from '@qsparse/formats';
import { type GgufStore, parseTokenizerMetadata, tokenizerJsonFromGguf } from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import { type GgufModelFile, loadGgufModel, openGgufModel, type PretrainedOptions } from '@qsparse/models';
import type { LoadedModel } from '../from-pretrained.ts';

/** Throws FileError, FormatError, TokenizerError or ValueError naming file and key or tensor. */
export async function loadGgufFile(
  path: string,
  device: Device,
  options: PretrainedOptions,
): Promise<LoadedModel> {
  const opened = await openGgufModel(await openFileReader(path), options.signal);
  let tokenizer: PretrainedTokenizer;
  try {
    tokenizer = await tokenizerOf(opened);
    checkVocabulary(tokenizer, opened.decoder.vocabularySize, path);
  } catch (error) {
    await opened.file.close();
    throw error;
  }
  const { model, config } = await loadGgufModel(opened, device, options);
  return { model, tokenizer, config: { ...config, endOfText: tokenizer.endOfText }, folder: path };
}

function tokenizerOf({ file }: GgufModelFile): Promise<PretrainedTokenizer> {
  return loadTokenizer(ggufTokenizerFiles(file), { nameOf: () => file.name });
}

/** The tokenizer as the files that a model folder would have, by name. Throws FormatError naming the key. */
export function ggufTokenizerFiles(file: GgufStore): Record<string, string> {
  const stored = parseTokenizerMetadata(file.metadata, file.name);
  const { beginOfText, endOfText, endOfTurn, chatTemplate, tokens } = stored;
  const contentOf = (id: number | undefined): string | undefined =>
    id === undefined ? undefined : tokens[id];
  const ends = [...new Set([endOfText, endOfTurn])].filter((id) => id !== undefined);
  return {
    'tokenizer.json': formatTokenizerJson(tokenizerJsonFromGguf(stored, file.name)),
    // Undefined values are left out.
    'tokenizer_config.json': JSON.stringify({
      bos_token: contentOf(beginOfText),
      eos_token: contentOf(endOfText),
      chat_template: chatTemplate,
    }),
    ...(ends.length > 0 && { 'generation_config.json': JSON.stringify({ eos_token_id: ends }) }),
  };
}

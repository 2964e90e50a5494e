/** The tokenizer of a model folder: tokenizer.json and the files beside it. Loaded when the first one is asked for. */
import { parseTokenizerJson, type TokenizerJson } from '@qsparse/formats';
import { DataError, quoted, TokenizerError } from '../errors.ts';
import { byteLevelTokens, byteLevelWords } from '../tokenizer/byte-level.ts';
import { otherForm } from '../tokenizer/definition.ts';
import { assemble } from '../tokenizer/engine.ts';
import { tokenizerFromJson } from '../tokenizer/load.ts';
import { END_OF_TEXT } from '../tokenizer/special-tokens.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { createVocabulary } from '../tokenizer/vocabulary.ts';
import { createAddedTokenSplitter } from './added-tokens.ts';
import { createCharacterVocabulary } from './character-vocabulary.ts';
import { atMarks, characterWords } from './character-words.ts';
import { readChatTemplates } from './chat-sources.ts';
import { frameOf, mergeTokens } from './merge-tokens.ts';
import {
  type NamedTokens,
  type NameOf,
  readNamedTokens,
  type TokenizerFiles,
  UNREAD_FILES,
} from './named-tokens.ts';
import { createNormalizer, type Normalize } from './normalize.ts';
import type { LoadTokenizerOptions, PretrainedTokenizer } from './pretrained-tokenizer.ts';
import { createDivider, patternsOf } from './steps.ts';

const TOKENIZER = 'tokenizer.json';

export async function loadPretrained(
  files: TokenizerFiles,
  { endOfText, nameOf = (file) => file }: LoadTokenizerOptions,
): Promise<PretrainedTokenizer> {
  const source = files[TOKENIZER];
  if (source === undefined) return missing(files, nameOf);
  const named = readNamedTokens(files, nameOf);
  const json = mergeTokens(parseTokenizerJson(source, nameOf(TOKENIZER)), named, nameOf);
  const ids = endIds(json, named, endOfText, nameOf);
  const tokenizer = await createTokenizer(json, ids, nameOf);
  return { ...tokenizer, namedTokens: named.byName, chatTemplates: readChatTemplates(files, nameOf) };
}

interface Ids {
  readonly beginOfText: number | undefined;
  readonly endOfText: number;
  readonly stopTokens: readonly number[];
}

/** Throws `TokenizerError` (`vocabulary`) when no file tells what ends a text, or ids lie outside the vocabulary. */
function endIds(json: TokenizerJson, named: NamedTokens, wanted: string | undefined, nameOf: NameOf): Ids {
  const added = new Map(json.added_tokens.map(({ content, id }) => [content, id]));
  const idOf = (content: string | undefined): number | undefined => added.get(content ?? '');
  const known = new Set([...json.model.vocab.values(), ...added.values()]);
  const [beginIds, ends] = [named.beginIds, named.endIds].map((ids) => ids.filter((id) => known.has(id)));
  if (wanted !== undefined && idOf(wanted) === undefined)
    noEnd(`${nameOf(TOKENIZER)} has no added token ${quoted(wanted)}`, added.keys());
  const endOfText = idOf(wanted ?? named.byName.get('eos_token')) ?? ends![0] ?? added.get(END_OF_TEXT);
  if (endOfText === undefined)
    return noEnd(`the files beside ${nameOf(TOKENIZER)} do not tell which token ends a text`, added.keys());
  return {
    beginOfText: idOf(named.byName.get('bos_token')) ?? beginIds![0],
    endOfText,
    stopTokens: [...new Set([endOfText, ...ends!])],
  };
}

function noEnd(what: string, contents: Iterable<string>): never {
  const some = [...contents].slice(0, 8).map(quoted).join(', ');
  const hint = some ? `set endOfText to one of ${some}` : 'add such a token to the file';
  throw new TokenizerError('vocabulary', 'loadTokenizer', what, hint);
}

async function createTokenizer(json: TokenizerJson, ids: Ids, nameOf: NameOf): Promise<Tokenizer> {
  const file = nameOf(TOKENIZER);
  // GPT-2's form, and the byte tokenizer in it, have a faster way.
  if (otherForm(json) === undefined) {
    const end = json.added_tokens.find(({ id }) => id === ids.endOfText);
    if (end) return { ...tokenizerFromJson(json, { endOfText: end.content }), ...ids };
  }
  if (json.model.dropout)
    throw new TokenizerError(
      'tokenizer-json',
      'loadTokenizer',
      `${file}: model.dropout must be null, got ${json.model.dropout}`,
    );
  const patterns = patternsOf(json.pre_tokenizer);
  const compile = patterns.length > 0 ? (await import('./patterns.ts')).patternCompiler(file) : undefined;
  const divide = createDivider(json.pre_tokenizer, (pattern) => compile!(pattern));
  const normalize = createNormalizer(json.normalizer);
  const byteLevel = json.decoder.type === 'ByteLevel';
  return assemble({
    json,
    ...ids,
    ...frameOf(json.post_processor),
    specialTokens: new Map(json.added_tokens.map(({ content, id }) => [content, id])),
    split: createAddedTokenSplitter(json.added_tokens, normalize),
    vocabulary: byteLevel
      ? createVocabulary(byteLevelTokens(asMatched(json, normalize)))
      : createCharacterVocabulary(asMatched(json, normalize), file),
    divide: byteLevel ? divide : atMarks(json, divide),
    encodeWord: byteLevel ? byteLevelWords(json) : characterWords(json),
  });
}

/** With added tokens spelled as they are found in a text: what a normalizer puts before one belongs to it. */
function asMatched(json: TokenizerJson, normalize: Normalize | undefined): TokenizerJson {
  const added = json.added_tokens.map((token) =>
    token.normalized && normalize ? { ...token, content: normalize(token.content) } : token,
  );
  return { ...json, added_tokens: added };
}

function missing(files: TokenizerFiles, nameOf: NameOf): never {
  const other = UNREAD_FILES.find((file) => file in files);
  const what = `${nameOf(TOKENIZER)} is required${other ? `, the folder has ${other} alone` : ''}`;
  const hint = other
    ? 'write it with AutoTokenizer.from_pretrained(folder).save_pretrained(folder) of transformers'
    : 'take it from where the model comes from';
  throw new DataError('file-not-found', 'loadTokenizer', what, hint);
}

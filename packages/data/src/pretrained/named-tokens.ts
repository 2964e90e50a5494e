/**
 * Which tokens a model calls by name, from the files beside tokenizer.json: what begins and ends a text, what ends an
 * answer, which tokens are special. What no file says is not guessed.
 */
import { type AddedToken, MAX_TOKEN_ID, type ObjectReader, parseConfig, readObject } from '@qsparse/formats';

/** Contents by the name of the file, as `loadTokenizer` takes them. */
export type TokenizerFiles = Readonly<Record<string, string | Uint8Array>>;

/** Tokenizers in forms that are not read; their names alone tell what to do. */
export const UNREAD_FILES: readonly string[] = ['tokenizer.model', 'tekken.json', 'vocab.json'];

/** What messages call a file. */
export type NameOf = (file: string) => string;

const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/** What the files beside tokenizer.json say about it. */
export interface NamedTokens {
  /** Contents by their names: `bos_token` and so on. */
  readonly byName: ReadonlyMap<string, string>;
  /** Tokens that the files describe in full. */
  readonly described: readonly AddedToken[];
  /** Contents of more special tokens. */
  readonly special: readonly string[];
  /** Whether to put bos_token before a text, eos_token after it; undefined where tokenizer.json decides. */
  readonly frame: { readonly bos: boolean; readonly eos: boolean } | undefined;
  /** Ids that generation begins and ends with. */
  readonly beginIds: readonly number[];
  readonly endIds: readonly number[];
}

/** Throws `FormatError` for a file that is no JSON object or whose keys hold something else than they must. */
export function readNamedTokens(files: TokenizerFiles, nameOf: NameOf): NamedTokens {
  const open = (file: string): ObjectReader => {
    const source = files[file];
    const name = nameOf(file);
    return readObject(source === undefined ? {} : parseConfig(source, name), name);
  };
  const config = open('tokenizer_config.json');
  const map = open('special_tokens_map.json');
  const generation = open('generation_config.json');
  const model = open('config.json');
  // As transformers reads them: the map is the older file, and decides where the newer key is not there yet.
  const readers = config.has('added_tokens_decoder') ? [config, map] : [map, config];
  const byName = new Map<string, string>();
  for (const name of NAMES) {
    const reader = readers.find((candidate) => candidate.keys().includes(name));
    const content = reader && tokenContent(reader, name);
    if (content !== undefined) byName.set(name, content);
  }
  const special = ['additional_special_tokens', 'extra_special_tokens'].flatMap((key) => {
    const reader = readers.find((candidate) => candidate.has(key));
    return reader ? contents(reader, key) : [];
  });
  const idsOf = (key: string): readonly number[] =>
    generation.has(key) ? ids(generation, key) : ids(model, key);
  return {
    byName,
    described: describedTokens(config),
    special,
    frame: readFrame(config),
    beginIds: idsOf('bos_token_id'),
    endIds: idsOf('eos_token_id'),
  };
}

/** Tokenizer classes of transformers that made what stands around a text from these keys, whatever tokenizer.json says. */
const FRAMING_CLASS = /^(?:Llama|CodeLlama|Gemma)Tokenizer(?:Fast)?$/;

function readFrame(config: ObjectReader): NamedTokens['frame'] {
  const bos = config.boolean('add_bos_token', { fallback: undefined });
  const eos = config.boolean('add_eos_token', { fallback: undefined });
  const isFraming = FRAMING_CLASS.test(config.string('tokenizer_class', { fallback: '' }));
  if (!isFraming || (bos === undefined && eos === undefined)) return undefined;
  return { bos: bos ?? true, eos: eos ?? false };
}

/** A token by its content, or as an object that holds it. */
function tokenContent(reader: ObjectReader, key: string): string | undefined {
  if (typeof reader.get(key) !== 'object') return reader.string(key, { fallback: undefined });
  return reader.object(key).string('content');
}

/** A list of tokens, or an object of them by name. */
function contents(reader: ObjectReader, key: string): string[] {
  const value = reader.get(key) as object;
  const holder = Array.isArray(value)
    ? readObject({ ...value }, reader.label, `${key}.`)
    : reader.object(key);
  return holder.keys().flatMap((item) => tokenContent(holder, item) ?? []);
}

function ids(reader: ObjectReader, key: string): readonly number[] {
  const range = { min: 0, max: MAX_TOKEN_ID };
  if (Array.isArray(reader.get(key))) return reader.integers(key, range);
  const id = reader.integer(key, { ...range, fallback: undefined });
  return id === undefined ? [] : [id];
}

function describedTokens(config: ObjectReader): AddedToken[] {
  const decoder = config.object('added_tokens_decoder', { fallback: null });
  return (decoder?.keys() ?? []).map((key) => {
    const id = Number(key);
    if (!/^\d{1,8}$/.test(key) || id > MAX_TOKEN_ID)
      throw decoder!.invalid(key, `under an id from 0 to ${MAX_TOKEN_ID}`);
    const token = decoder!.object(key);
    const flag = (name: string): boolean => token.boolean(name, { fallback: false });
    return {
      id,
      content: token.string('content'),
      single_word: flag('single_word'),
      lstrip: flag('lstrip'),
      rstrip: flag('rstrip'),
      normalized: flag('normalized'),
      special: flag('special'),
    };
  });
}

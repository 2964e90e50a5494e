// The tokenizer in a GGUF file's metadata (tokenizer.ggml.*), as llama.cpp has byte-level BPE: model "gpt2".
import { showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { type MetadataReader, readMetadata } from './metadata-reader.ts';
import type { GgufValue } from './values.ts';

/** llama.cpp's numbers for kinds of tokens. */
export const TOKEN_TYPES: Readonly<
  Record<'normal' | 'unknown' | 'control' | 'userDefined' | 'unused' | 'byte', number>
> = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

/** Byte-level BPE as plain data. Ids are places in `tokens`. */
export interface GgufTokenizer {
  /** How texts are divided first, by llama.cpp's name: `llama-bpe`, `qwen2`, `gpt-2`. */
  readonly pre: string;
  /** In the byte alphabet; control tokens and those that a user defined as plain text. */
  readonly tokens: readonly string[];
  /** One for each token: 1 normal, 3 control, 4 defined by a user, 5 unused. */
  readonly tokenTypes: readonly number[];
  /** `left right`, in the order in which they are applied. */
  readonly merges: readonly string[];
  readonly beginOfText?: number | undefined;
  readonly endOfText?: number | undefined;
  readonly endOfTurn?: number | undefined;
  readonly unknown?: number | undefined;
  readonly padding?: number | undefined;
  /** Whether these tokens are put around every text. Undefined where a file leaves it to `pre`. */
  readonly addsBeginOfText?: boolean | undefined;
  readonly addsEndOfText?: boolean | undefined;
  /** Jinja, as tokenizer_config.json has it. */
  readonly chatTemplate?: string | undefined;
}

const PREFIX = 'tokenizer.';

const IDS = {
  beginOfText: 'ggml.bos_token_id',
  endOfText: 'ggml.eos_token_id',
  endOfTurn: 'ggml.eot_token_id',
  unknown: 'ggml.unknown_token_id',
  padding: 'ggml.padding_token_id',
} as const;

const FLAGS = { addsBeginOfText: 'ggml.add_bos_token', addsEndOfText: 'ggml.add_eos_token' } as const;

type IdName = keyof typeof IDS;
type FlagName = keyof typeof FLAGS;

/**
 * `tokenizer.*` for `writeGguf`, in llama.cpp's order.
 * @throws FormatError `value` naming the field, for ids without a token and lists of different lengths
 */
export function tokenizerMetadata(tokenizer: GgufTokenizer): Map<string, GgufValue> {
  const { tokens, tokenTypes, merges, pre, chatTemplate } = tokenizer;
  if (tokenTypes.length !== tokens.length)
    throw invalid(
      'tokenTypes',
      `${tokens.length} numbers are required, one for each token, got ${tokenTypes.length}`,
    );
  const twice = firstRepeated(tokens);
  if (twice !== undefined)
    throw invalid('tokens', `every token may be there once, ${JSON.stringify(twice)} is twice`);
  const entries: [string, GgufValue | undefined][] = [
    ['ggml.model', { type: 'string', value: 'gpt2' }],
    ['ggml.pre', { type: 'string', value: pre }],
    ['ggml.tokens', { type: 'array', of: 'string', value: tokens }],
    ['ggml.token_type', { type: 'array', of: 'i32', value: Int32Array.from(tokenTypes) }],
    ['ggml.merges', { type: 'array', of: 'string', value: merges }],
    ...(Object.keys(IDS) as IdName[]).map((name): [string, GgufValue | undefined] => {
      const id = tokenizer[name];
      if (id === undefined) return [IDS[name], undefined];
      if (tokens[id] === undefined)
        throw invalid(name, `the id of a token is required, from 0 to ${tokens.length - 1}, got ${id}`);
      return [IDS[name], { type: 'u32', value: id }];
    }),
    ...(Object.keys(FLAGS) as FlagName[]).map((name): [string, GgufValue | undefined] => {
      const flag = tokenizer[name];
      return [FLAGS[name], flag === undefined ? undefined : { type: 'bool', value: flag }];
    }),
    ['chat_template', chatTemplate === undefined ? undefined : { type: 'string', value: chatTemplate }],
  ];
  return new Map(
    entries.flatMap(([key, value]): [string, GgufValue][] =>
      value === undefined ? [] : [[PREFIX + key, value]],
    ),
  );
}

/**
 * The tokenizer of a file, from its metadata.
 * @param file for messages
 * @throws FormatError `missing-key` or `value` naming the key; for every other model than gpt2 too
 */
export function parseTokenizerMetadata(
  metadata: ReadonlyMap<string, GgufValue>,
  file = 'GGUF file',
): GgufTokenizer {
  const reader = readMetadata(metadata, file);
  const model = reader.string(`${PREFIX}ggml.model`);
  if (model !== 'gpt2')
    throw reader.invalid(`${PREFIX}ggml.model`, 'gpt2 (byte-level BPE)', "take the model's tokenizer.json");
  const tokens = reader.strings(`${PREFIX}ggml.tokens`);
  const tokenTypes = reader.integers(`${PREFIX}ggml.token_type`, {
    fallback: tokens.map(() => TOKEN_TYPES.normal),
  });
  if (tokenTypes.length !== tokens.length)
    throw reader.invalid(`${PREFIX}ggml.token_type`, `one number for each of ${tokens.length} tokens`);
  const id = (name: IdName) => parseId(reader, PREFIX + IDS[name], tokens.length);
  const flag = (name: FlagName) => reader.boolean(PREFIX + FLAGS[name], { fallback: undefined });
  return {
    pre: reader.string(`${PREFIX}ggml.pre`, { fallback: 'default' }),
    tokens,
    tokenTypes,
    merges: reader.strings(`${PREFIX}ggml.merges`, { fallback: [] }),
    beginOfText: id('beginOfText'),
    endOfText: id('endOfText'),
    endOfTurn: id('endOfTurn'),
    unknown: id('unknown'),
    padding: id('padding'),
    addsBeginOfText: flag('addsBeginOfText'),
    addsEndOfText: flag('addsEndOfText'),
    chatTemplate: reader.string(`${PREFIX}chat_template`, { fallback: undefined }),
  };
}

function parseId(reader: MetadataReader, key: string, tokens: number): number | undefined {
  const id = reader.count(key, { fallback: undefined });
  if (id === undefined || id < tokens) return id;
  throw reader.invalid(key, `the id of one of ${tokens} tokens`);
}

function firstRepeated(tokens: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return tokens.find((token) => seen.size === seen.add(token).size);
}

function invalid(field: string, problem: string): FormatError {
  return new FormatError(
    'value',
    `[gguf] ${showName('tokenizer')} to write, ${field}: ${problem}; correct it`,
    { key: field },
  );
}

// The tokenizer in a GGUF file's metadata (tokenizer.ggml.*), as llama.cpp has BPE: on bytes ("gpt2") and
// SentencePiece's ("llama").
import { showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { type MetadataReader, readMetadata } from './metadata-reader.ts';
import type { GgufValue } from './values.ts';

/** llama.cpp's numbers for kinds of tokens. */
export const TOKEN_TYPES: Readonly<
  Record<'normal' | 'unknown' | 'control' | 'userDefined' | 'unused' | 'byte', number>
> = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

/** What both kinds have. Ids are places in `tokens`. */
interface GgufTokens {
  /** Control tokens and those that a user defined as plain text. */
  readonly tokens: readonly string[];
  /** One for each token: 1 normal, 2 unknown, 3 control, 4 defined by a user, 5 unused, 6 a byte. */
  readonly tokenTypes: readonly number[];
  readonly beginOfText?: number | undefined;
  readonly endOfText?: number | undefined;
  readonly endOfTurn?: number | undefined;
  readonly unknown?: number | undefined;
  readonly padding?: number | undefined;
  /** Whether these tokens are put around every text. Undefined where a file leaves it to llama.cpp. */
  readonly addsBeginOfText?: boolean | undefined;
  readonly addsEndOfText?: boolean | undefined;
  /** Jinja, as tokenizer_config.json has it. */
  readonly chatTemplate?: string | undefined;
}

/** Byte-level BPE as plain data, llama.cpp's model "gpt2"; normal tokens are in the byte alphabet. */
export interface GgufByteLevel extends GgufTokens {
  /** How texts are divided first, by llama.cpp's name: `llama-bpe`, `qwen2`, `gpt-2`. */
  readonly pre: string;
  /** `left right`, in the order in which they are applied. */
  readonly merges: readonly string[];
}

/** SentencePiece's BPE as plain data, llama.cpp's model "llama"; `▁` in tokens is a space. */
export interface GgufSentencePiece extends GgufTokens {
  /** One for each token: of two neighbours that make a token, those of the best are joined first. */
  readonly scores: ArrayLike<number>;
  /** Whether a space is put before each text. Undefined where a file leaves it to llama.cpp, which does. */
  readonly addsSpacePrefix?: boolean | undefined;
}

export type GgufTokenizer = GgufByteLevel | GgufSentencePiece;

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
  const { tokens, tokenTypes, chatTemplate } = tokenizer;
  if (tokenTypes.length !== tokens.length)
    throw invalid(
      'tokenTypes',
      `${tokens.length} numbers are required, one for each token, got ${tokenTypes.length}`,
    );
  const twice = firstRepeated(tokens);
  if (twice !== undefined)
    throw invalid('tokens', `every token may be there once, ${JSON.stringify(twice)} is twice`);
  const entries: [string, GgufValue | undefined][] = [
    ...modelEntries(tokenizer),
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

function modelEntries(tokenizer: GgufTokenizer): [string, GgufValue | undefined][] {
  const tokens: GgufValue = { type: 'array', of: 'string', value: tokenizer.tokens };
  const types: GgufValue = { type: 'array', of: 'i32', value: Int32Array.from(tokenizer.tokenTypes) };
  if (!('scores' in tokenizer))
    return [
      ['ggml.model', { type: 'string', value: 'gpt2' }],
      ['ggml.pre', { type: 'string', value: tokenizer.pre }],
      ['ggml.tokens', tokens],
      ['ggml.token_type', types],
      ['ggml.merges', { type: 'array', of: 'string', value: tokenizer.merges }],
    ];
  const scores = Float32Array.from(tokenizer.scores);
  if (scores.length !== tokenizer.tokens.length || !scores.every(Number.isFinite))
    throw invalid('scores', `${tokenizer.tokens.length} finite numbers are required, one for each token`);
  const prefix = tokenizer.addsSpacePrefix;
  return [
    ['ggml.model', { type: 'string', value: 'llama' }],
    ['ggml.pre', { type: 'string', value: 'default' }],
    ['ggml.tokens', tokens],
    ['ggml.scores', { type: 'array', of: 'f32', value: scores }],
    ['ggml.token_type', types],
    ['ggml.add_space_prefix', prefix === undefined ? undefined : { type: 'bool', value: prefix }],
  ];
}

/**
 * The tokenizer of a file, from its metadata.
 * @param file for messages
 * @throws FormatError `missing-key` or `value` naming the key; for every other model than gpt2 and llama too
 */
export function parseTokenizerMetadata(
  metadata: ReadonlyMap<string, GgufValue>,
  file = 'GGUF file',
): GgufTokenizer {
  const reader = readMetadata(metadata, file);
  const model = reader.string(`${PREFIX}ggml.model`);
  if (model !== 'gpt2' && model !== 'llama') {
    const known = "gpt2 (byte-level BPE) or llama (SentencePiece's)";
    throw reader.invalid(`${PREFIX}ggml.model`, known, "take the model's tokenizer.json");
  }
  const tokens = reader.strings(`${PREFIX}ggml.tokens`);
  const tokenTypes = reader.integers(`${PREFIX}ggml.token_type`, {
    fallback: tokens.map(() => TOKEN_TYPES.normal),
  });
  if (tokenTypes.length !== tokens.length)
    throw reader.invalid(`${PREFIX}ggml.token_type`, `one number for each of ${tokens.length} tokens`);
  const id = (name: IdName) => parseId(reader, PREFIX + IDS[name], tokens.length);
  const flag = (name: FlagName) => reader.boolean(PREFIX + FLAGS[name], { fallback: undefined });
  const shared = {
    tokens,
    tokenTypes,
    beginOfText: id('beginOfText'),
    endOfText: id('endOfText'),
    endOfTurn: id('endOfTurn'),
    unknown: id('unknown'),
    padding: id('padding'),
    addsBeginOfText: flag('addsBeginOfText'),
    addsEndOfText: flag('addsEndOfText'),
    chatTemplate: reader.string(`${PREFIX}chat_template`, { fallback: undefined }),
  };
  if (model === 'gpt2')
    return {
      ...shared,
      pre: reader.string(`${PREFIX}ggml.pre`, { fallback: 'default' }),
      merges: reader.strings(`${PREFIX}ggml.merges`, { fallback: [] }),
    };
  const scores = reader.numbers(`${PREFIX}ggml.scores`);
  if (scores.length !== tokens.length)
    throw reader.invalid(`${PREFIX}ggml.scores`, `one number for each of ${tokens.length} tokens`);
  return {
    ...shared,
    ...ordinaryEnds(shared),
    scores,
    addsSpacePrefix: reader.boolean(`${PREFIX}ggml.add_space_prefix`, { fallback: undefined }),
  };
}

/** llama.cpp's ids for such files that do not give them. */
function ordinaryEnds(given: GgufTokens): Pick<GgufTokens, 'beginOfText' | 'endOfText' | 'unknown'> {
  const at = (id: number, type: number): number | undefined =>
    given.tokenTypes[id] === type ? id : undefined;
  return {
    unknown: given.unknown ?? at(0, TOKEN_TYPES.unknown),
    beginOfText: given.beginOfText ?? at(1, TOKEN_TYPES.control),
    endOfText: given.endOfText ?? at(2, TOKEN_TYPES.control),
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

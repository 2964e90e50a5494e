import { bytesReader } from '@qsparse/formats';
import {
  type GgufSentencePiece,
  type GgufTokenizer,
  type GgufValue,
  openGguf,
  parseTokenizerMetadata,
  tokenizerMetadata,
} from '@qsparse/formats/gguf';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { writtenGguf } from '../helpers/written-gguf.ts';

const FULL: GgufTokenizer = {
  pre: 'llama-bpe',
  tokens: ['a', 'Ġb', 'aĠb', '<|begin|>', '<|end|>', '[PAD5]'],
  tokenTypes: [1, 1, 1, 3, 4, 5],
  merges: ['a Ġb'],
  beginOfText: 3,
  endOfText: 4,
  endOfTurn: 4,
  unknown: 0,
  padding: 5,
  addsBeginOfText: true,
  addsEndOfText: false,
  chatTemplate: '{{ messages }}\n',
};

test("llama.cpp's keys, in its order, through a file and back", async () => {
  const metadata = tokenizerMetadata(FULL);
  expect([...metadata]).toEqual([
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'llama-bpe' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: FULL.tokens }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'i32', value: Int32Array.of(1, 1, 1, 3, 4, 5) }],
    ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: ['a Ġb'] }],
    ['tokenizer.ggml.bos_token_id', { type: 'u32', value: 3 }],
    ['tokenizer.ggml.eos_token_id', { type: 'u32', value: 4 }],
    ['tokenizer.ggml.eot_token_id', { type: 'u32', value: 4 }],
    ['tokenizer.ggml.unknown_token_id', { type: 'u32', value: 0 }],
    ['tokenizer.ggml.padding_token_id', { type: 'u32', value: 5 }],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: false }],
    ['tokenizer.chat_template', { type: 'string', value: FULL.chatTemplate }],
  ]);
  const file = await openGguf(bytesReader(await writtenGguf([], { metadata })));
  expect(parseTokenizerMetadata(file.metadata)).toEqual(FULL);
});

test('what may be absent', () => {
  const metadata = new Map<string, GgufValue>([
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: ['a', 'b'] }],
  ]);
  expect(parseTokenizerMetadata(metadata)).toEqual({
    pre: 'default',
    tokens: ['a', 'b'],
    tokenTypes: [1, 1],
    merges: [],
  });
  const least = { pre: 'gpt-2', tokens: ['a'], tokenTypes: [1], merges: [] };
  expect(parseTokenizerMetadata(tokenizerMetadata(least))).toEqual(least);
});

test.each<[string, string, GgufValue, RegExp]>([
  [
    'another model',
    'ggml.model',
    { type: 'string', value: 'gemma4' },
    /gpt2 \(byte-level BPE\) or llama \(SentencePiece's\) is required, got "gemma4" \(string\); take/,
  ],
  [
    'tokens that are no texts',
    'ggml.tokens',
    { type: 'array', of: 'u8', value: new Uint8Array(6) },
    /an array of text/,
  ],
  [
    'too few types',
    'ggml.token_type',
    { type: 'array', of: 'i32', value: new Int32Array(5) },
    /one number for each of 6 tokens/,
  ],
  [
    'types that are no integers',
    'ggml.token_type',
    { type: 'array', of: 'f32', value: new Float32Array(6) },
    /an array of integers/,
  ],
  [
    'an id without a token',
    'ggml.eos_token_id',
    { type: 'u32', value: 6 },
    /the id of one of 6 tokens is required, got 6 \(u32\)/,
  ],
  ['a number as flag', 'ggml.add_bos_token', { type: 'u8', value: 1 }, /true or false/],
])('%s is refused', async (_, key, value, message) => {
  const metadata = tokenizerMetadata(FULL).set(`tokenizer.${key}`, value);
  const error = await failure(() => parseTokenizerMetadata(metadata, 'm.gguf'), 'value');
  expect(error.message).toMatch(message);
  expect(error.key).toBe(`tokenizer.${key}`);
});

test('no tokens at all are refused', async () => {
  await failure(() => parseTokenizerMetadata(new Map(), 'm.gguf'), 'missing-key');
});

test.each<[string, Partial<GgufTokenizer>]>([
  ['tokenTypes', { tokenTypes: [1] }],
  ['tokens', { tokens: ['a', 'a', 'b', 'c', 'd', 'e'] }],
  ['endOfText', { endOfText: 6 }],
  ['beginOfText', { beginOfText: -1 }],
])('wrong %s are not written', async (field, change) => {
  const error = await failure(() => tokenizerMetadata({ ...FULL, ...change }), 'value');
  expect(error.message).toContain(`tokenizer to write, ${field}: `);
});

/** What llama.cpp calls model "llama". */
const PIECES: GgufSentencePiece = {
  tokens: ['<unk>', '<s>', '</s>', '<0x00>', '▁', 'a', '▁a'],
  tokenTypes: [2, 3, 3, 6, 1, 1, 1],
  scores: Float32Array.of(0, 0, 0, 0, -2, -2, -1.5),
  beginOfText: 1,
  endOfText: 2,
  unknown: 0,
  addsSpacePrefix: false,
};

test("SentencePiece's: scores and a space in front, through a file and back", async () => {
  const metadata = tokenizerMetadata(PIECES);
  expect(metadata.get('tokenizer.ggml.model')?.value).toBe('llama');
  const file = await openGguf(bytesReader(await writtenGguf([], { metadata })));
  expect(parseTokenizerMetadata(file.metadata)).toEqual(PIECES);
});

test("SentencePiece's without the ids of its ends: those that llama.cpp takes", () => {
  const { beginOfText, endOfText, unknown, addsSpacePrefix, ...rest } = PIECES;
  const parsed = parseTokenizerMetadata(tokenizerMetadata(rest));
  expect(parsed).toEqual({ ...rest, beginOfText, endOfText, unknown });
});

test.each<[string, GgufValue, RegExp]>([
  ['too few', { type: 'array', of: 'f32', value: new Float32Array(6) }, /one number for each of 7 tokens/],
  ['no number', { type: 'array', of: 'f32', value: new Float32Array(7).fill(Number.NaN) }, /finite numbers/],
  ['text', { type: 'string', value: '1' }, /an array of finite numbers/],
])('scores that are %s are refused', async (_, value, message) => {
  const metadata = tokenizerMetadata(PIECES).set('tokenizer.ggml.scores', value);
  const error = await failure(() => parseTokenizerMetadata(metadata, 'm.gguf'), 'value');
  expect(error.message).toMatch(message);
  const scores = value.type === 'array' ? (value.value as Float32Array) : [];
  await failure(() => tokenizerMetadata({ ...PIECES, scores }), 'value');
});

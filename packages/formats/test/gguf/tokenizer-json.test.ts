import { byteAlphabet, formatTokenizerJson, parseTokenizerJson, type TokenizerJson } from '@qsparse/formats';
import { type GgufByteLevel, ggufTokenizer, tokenizerJsonFromGguf } from '@qsparse/formats/gguf';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { type LooseJson, smallTokenizerFile } from '../helpers/small-tokenizer.ts';

/** The small tokenizer, bent and read again. */
function tokenizer(bend: (file: LooseJson) => void = () => {}): TokenizerJson {
  const file = smallTokenizerFile();
  bend(file);
  return parseTokenizerJson(JSON.stringify(file));
}

const template = (single: LooseJson[]) => (file: LooseJson) => {
  file.post_processor = {
    type: 'Sequence',
    processors: [
      { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
      {
        type: 'TemplateProcessing',
        single,
        pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: { '<|endoftext|>': { id: '<|endoftext|>', ids: [262], tokens: ['<|endoftext|>'] } },
      },
    ],
  };
};
const TEXT = { Sequence: { id: 'A', type_id: 0 } };
const SPECIAL = { SpecialToken: { id: '<|endoftext|>', type_id: 0 } };
const split = (Regex: string) => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  ],
});

/** As in the tokenizer.json of Llama 3 and of Qwen 2 and 3. */
const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2 = LLAMA3.replace('{1,3}', '');

test('tokens in the byte alphabet, types, merges; ids without a token are unused', () => {
  const gguf = ggufTokenizer(tokenizer(), { rows: 265, endOfText: 262, chatTemplate: 'x' });
  expect(gguf).toMatchObject({
    pre: 'gpt-2',
    merges: ['h e', 'l l', 'he ll', 'Ġ w', '1 0', '_ _'],
    endOfText: 262,
    beginOfText: undefined,
    addsBeginOfText: false,
    addsEndOfText: false,
    chatTemplate: 'x',
  });
  expect(gguf.tokens.slice(0, 256)).toEqual(byteAlphabet());
  expect(gguf.tokens.slice(256)).toEqual([
    'he',
    'll',
    'hell',
    'Ġw',
    '10',
    '__',
    '<|endoftext|>',
    '[PAD263]',
    '[PAD264]',
  ]);
  expect(gguf.tokenTypes.slice(260)).toEqual([1, 1, 3, 5, 5]);
});

test.each<[string, (file: LooseJson) => void]>([
  ['gpt-2', () => {}],
  [
    'llama-bpe',
    (file) => {
      file.pre_tokenizer = split(LLAMA3);
      file.model.ignore_merges = true;
    },
  ],
  [
    'qwen2',
    (file) => {
      file.pre_tokenizer = split(QWEN2);
      file.normalizer = { type: 'NFC' };
    },
  ],
  [
    'smollm',
    (file) => {
      file.pre_tokenizer = {
        type: 'Sequence',
        pretokenizers: [{ type: 'Digits', individual_digits: true }, file.pre_tokenizer],
      };
    },
  ],
])('%s is recognised, and comes back', (pre, bend) => {
  const original = tokenizer((file) => {
    bend(file);
    file.added_tokens.push({ ...file.added_tokens[0], id: 263, content: '<tool>', special: false });
  });
  const gguf = ggufTokenizer(original, { rows: 270 });
  expect(gguf).toMatchObject({ pre });
  expect(gguf.tokenTypes[263]).toBe(4);
  const back = parseTokenizerJson(formatTokenizerJson(tokenizerJsonFromGguf(gguf)));
  const { post_processor, decoder, pre_tokenizer, ...rest } = back;
  expect(original).toMatchObject(rest);
  expect(ggufTokenizer(back, { rows: 270 })).toEqual(gguf);
});

describe('special tokens around a text', () => {
  test('one in front: the beginning of text', () => {
    const gguf = ggufTokenizer(tokenizer(template([SPECIAL, TEXT])), { rows: 263 });
    expect(gguf).toMatchObject({ beginOfText: 262, addsBeginOfText: true, addsEndOfText: false });
    const back = tokenizerJsonFromGguf(gguf);
    expect(ggufTokenizer(back, { rows: 263 })).toEqual(gguf);
    expect(back.post_processor).toMatchObject({ single: [SPECIAL, TEXT] });
  });

  test('one on each side', () => {
    const gguf = ggufTokenizer(tokenizer(template([SPECIAL, TEXT, SPECIAL])), {
      rows: 263,
      beginOfText: 262,
    });
    expect(gguf).toMatchObject({
      beginOfText: 262,
      endOfText: 262,
      addsBeginOfText: true,
      addsEndOfText: true,
    });
    expect(tokenizerJsonFromGguf(gguf).post_processor).toMatchObject({ single: [SPECIAL, TEXT, SPECIAL] });
  });

  test('where a file does not say, it depends on the pre-tokenizer', () => {
    const { addsBeginOfText, ...gguf } = ggufTokenizer(tokenizer(), { rows: 263, beginOfText: 262 });
    expect(tokenizerJsonFromGguf(gguf).post_processor).toBeNull();
    expect(tokenizerJsonFromGguf({ ...gguf, pre: 'llama3' }).post_processor).toMatchObject({
      single: [SPECIAL, TEXT],
    });
    expect(
      tokenizerJsonFromGguf({ ...gguf, pre: 'llama3', addsBeginOfText: false }).post_processor,
    ).toBeNull();
  });
});

describe('what has no GGUF form', () => {
  test.each<[string, (file: LooseJson) => void, RegExp]>([
    [
      'a pattern of its own',
      (file) => {
        file.pre_tokenizer = split('\\w+');
      },
      /"pre_tokenizer": only those/,
    ],
    [
      'merges skipped with the pattern of GPT-2',
      (file) => {
        file.model.ignore_merges = true;
      },
      /pre_tokenizer/,
    ],
    [
      'a space in front',
      (file) => {
        file.pre_tokenizer.add_prefix_space = true;
      },
      /pre_tokenizer/,
    ],
    [
      'a normalizer',
      (file) => {
        file.normalizer = { type: 'NFKC' };
      },
      /pre_tokenizer/,
    ],
    [
      'tokens that swallow space',
      (file) => {
        file.added_tokens[0].lstrip = true;
      },
      /"added_tokens": "<\|endoftext\|>" has/,
    ],
    ['two tokens in front', template([SPECIAL, SPECIAL, TEXT]), /"post_processor": at most one/],
  ])('%s', async (_, bend, message) => {
    const error = await failure(() => ggufTokenizer(tokenizer(bend), { rows: 263 }), 'value');
    expect(error.message).toMatch(message);
  });

  test('too few rows, another beginning of text', async () => {
    await failure(() => ggufTokenizer(tokenizer(), { rows: 262 }), 'value');
    const around = tokenizer(template([SPECIAL, TEXT, SPECIAL]));
    await failure(() => ggufTokenizer(around, { rows: 263, beginOfText: 1 }), 'value');
    await failure(() => ggufTokenizer(around, { rows: 263, endOfText: 1 }), 'value');
  });
});

test('GGUF tokenizers that cannot be read', async () => {
  const gguf = ggufTokenizer(tokenizer(), { rows: 263 }) as GgufByteLevel;
  const wrong: Partial<GgufByteLevel>[] = [
    { pre: 'deepseek-coder' },
    { merges: ['h'] },
    { merges: ['h e l'] },
    { merges: [' h'] },
  ];
  for (const change of wrong) {
    const error = await failure(() => tokenizerJsonFromGguf({ ...gguf, ...change }, 'm.gguf'), 'value');
    expect(error.message).toMatch(/^\[gguf\] m\.gguf, key "tokenizer\.ggml\.(pre|merges)"/);
  }
});

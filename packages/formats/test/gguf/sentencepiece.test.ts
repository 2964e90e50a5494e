import { formatTokenizerJson, parseTokenizerJson, type TokenizerJson } from '@qsparse/formats';
import { type GgufSentencePiece, ggufTokenizer, tokenizerJsonFromGguf } from '@qsparse/formats/gguf';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { smallMetaspaceFile } from '../helpers/small-metaspace.ts';
import type { LooseJson } from '../helpers/small-tokenizer.ts';

function tokenizer(bend: (file: LooseJson) => void = () => {}): TokenizerJson {
  const file = smallMetaspaceFile();
  // Of two texts each has its beginning.
  const begin = (type_id: number) => ({ SpecialToken: { id: '<s>', type_id } });
  const [first, second] = file.post_processor.pair;
  file.post_processor.pair = [begin(0), first, begin(1), second];
  bend(file);
  return parseTokenizerJson(JSON.stringify(file));
}

const write = (json: TokenizerJson, rows = 268): GgufSentencePiece =>
  ggufTokenizer(json, { rows, beginOfText: 1, endOfText: 2 }) as GgufSentencePiece;

test('kinds of tokens, scores in the order of the merges, and all of it back', () => {
  const json = tokenizer((file) => {
    file.added_tokens.push({ ...file.added_tokens[0], id: 266, content: '<tool>', special: false });
  });
  const gguf = write(json);
  expect(gguf).toMatchObject({ unknown: 0, beginOfText: 1, endOfText: 2, addsBeginOfText: true });
  expect(gguf.addsSpacePrefix).toBe(true);
  expect(gguf.tokenTypes.slice(0, 4)).toEqual([2, 3, 3, 6]);
  expect(gguf.tokenTypes.slice(258)).toEqual([6, 1, 1, 1, 1, 1, 1, 1, 4, 5]);
  // he, ▁he, ll; before them what nothing makes.
  expect(Array.from(gguf.scores).slice(259)).toEqual([-3, -3, -3, -3, 0, -1, -2, 0, 0]);
  const back = parseTokenizerJson(formatTokenizerJson(tokenizerJsonFromGguf(gguf)));
  expect(back).toEqual(json);
  expect(write(back)).toEqual(gguf);
});

test('without a mark in front of texts', () => {
  const json = tokenizer((file) => {
    file.normalizer.normalizers.shift();
    file.decoder.decoders.pop();
  });
  const gguf = write(json);
  expect(gguf.addsSpacePrefix).toBe(false);
  expect(tokenizerJsonFromGguf(gguf)).toEqual(json);
});

test('of equal scores the lower id comes first, and every way to make a token is a merge', () => {
  const gguf: GgufSentencePiece = {
    tokens: ['<unk>', 'a', 'b', 'ab', 'aab', 'aa'],
    tokenTypes: [2, 1, 1, 1, 1, 1],
    scores: [0, 0, 0, -7, -7, -1],
  };
  expect(tokenizerJsonFromGguf(gguf)).toMatchObject({
    model: {
      merges: [
        ['a', 'a'],
        ['a', 'b'],
        ['a', 'ab'],
        ['aa', 'b'],
      ],
      unk_token: '<unk>',
    },
    // Nothing says what begins a text.
    post_processor: null,
  });
});

describe('what llama.cpp would divide in another way is refused', () => {
  test.each<[string, (file: LooseJson) => void, RegExp]>([
    ['a merge is missing', (file) => file.model.merges.pop(), /joins "l" and "l"/],
    [
      'merges of a token apart',
      (file) => {
        file.model.vocab['▁h'] = 266;
        file.model.merges = ['h e', '▁ he', '▁ h', '▁h e', 'l l'];
      },
      /all merges that make "▁he" must follow one another/,
    ],
    ['no bytes', (file) => (file.model.byte_fallback = false), /"normalizer": only a mark/],
    ['another normalizer', (file) => (file.normalizer = { type: 'NFKC' }), /"normalizer"/],
    ['no normalizer', (file) => (file.normalizer = null), /"normalizer"/],
    [
      'a mark where the input begins alone',
      (file) => {
        const replacement = '▁';
        file.normalizer = null;
        file.pre_tokenizer = { type: 'Metaspace', replacement, prepend_scheme: 'first', split: false };
      },
      /"normalizer"/,
    ],
  ])('%s', async (_, bend, message) => {
    const error = await failure(() => write(tokenizer(bend)), 'value');
    expect(error.message).toMatch(message);
  });
});

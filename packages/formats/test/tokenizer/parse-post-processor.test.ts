import { type FormatErrorCode, formatTokenizerJson, parseTokenizerJson } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { type LooseJson, smallTokenizerFile } from '../helpers/small-tokenizer.ts';

const BOS = '<|endoftext|>';

function template(): LooseJson {
  const bos = { SpecialToken: { id: BOS, type_id: 0 } };
  return {
    type: 'TemplateProcessing',
    single: [bos, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [bos, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [BOS]: { id: BOS, ids: [262], tokens: [BOS] } },
  };
}

const parse = (post_processor: LooseJson) =>
  parseTokenizerJson(JSON.stringify({ ...smallTokenizerFile(), post_processor }));

test('none, ByteLevel, a template, and the sequence of Llama 3 survive a round trip', () => {
  const bytes = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true };
  for (const processor of [null, bytes, template(), { type: 'Sequence', processors: [bytes, template()] }]) {
    const tokenizer = parse(processor);
    const text = formatTokenizerJson(tokenizer);
    expect(JSON.parse(text).post_processor).toEqual(processor);
    expect(parseTokenizerJson(text)).toEqual(tokenizer);
  }
});

test.each<[string, (t: LooseJson) => void, FormatErrorCode, string]>([
  ['an unknown type', (t) => (t.type = 'BertProcessing'), 'value', '"post_processor.type"'],
  ['an unknown key', (t) => (t.extra = 1), 'unknown-key', '"post_processor.extra"'],
  ['no pair', (t) => delete t.pair, 'missing-key', '"post_processor.pair"'],
  ['an unknown piece', (t) => (t.single[0] = { Text: 'x' }), 'unknown-key', '"post_processor.single.0.Text"'],
  ['no text', (t) => t.single.pop(), 'value', 'a list with the sequence A once'],
  ['the text twice', (t) => t.single.push(t.single[1]), 'value', 'a list with the sequence A once'],
  ['a sequence C', (t) => (t.single[1].Sequence.id = 'C'), 'value', 'must be one of "A", "B"'],
  [
    'a token that is not listed',
    (t) => (t.single[0].SpecialToken.id = '<s>'),
    'value',
    `one of "${BOS}", got "<s>"`,
  ],
  ['a negative type', (t) => (t.single[0].SpecialToken.type_id = -1), 'value', 'type_id'],
  ['another id than its key', (t) => (t.special_tokens[BOS].id = 'x'), 'value', 'special_tokens'],
  ['more ids than tokens', (t) => t.special_tokens[BOS].ids.push(1), 'value', 'an array of 2 strings'],
  ['a wrong id', (t) => (t.special_tokens[BOS].ids = [5]), 'value', `"${BOS}" is not 5`],
  ['an unknown token', (t) => (t.special_tokens[BOS].tokens = ['<s>']), 'value', '"<s>" is not 262'],
])('%s is refused', async (_, bend, code, text) => {
  const processor = template();
  bend(processor);
  expect((await failure(() => parse(processor), code)).message).toContain(text);
});

test('sequences do not nest', async () => {
  const nested = { type: 'Sequence', processors: [{ type: 'Sequence', processors: [] }] };
  expect((await failure(() => parse(nested), 'value')).key).toBe('post_processor.processors.0.type');
});

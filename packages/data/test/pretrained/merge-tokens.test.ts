import { parseTokenizerJson } from '@qsparse/formats';
import { describe, expect, it } from 'vitest';
import { frameOf, mergeTokens } from '../../src/pretrained/merge-tokens.ts';
import type { NamedTokens } from '../../src/pretrained/named-tokens.ts';
import { added, template, tinyModel } from '../tiny-models.ts';

const json = parseTokenizerJson(JSON.stringify(tinyModel('mistral')['tokenizer.json']));
const nothing: NamedTokens = {
  byName: new Map(),
  described: [],
  special: [],
  frame: undefined,
  beginIds: [],
  endIds: [],
};
const merge = (named: Partial<NamedTokens>) => mergeTokens(json, { ...nothing, ...named }, (file) => file);

describe('mergeTokens', () => {
  it('changes nothing without a reason', () => {
    expect(merge({})).toEqual(json);
  });

  it('makes named tokens of the vocabulary special, and leaves out names of no token', () => {
    const [content, id] = [...json.model.vocab][400]!;
    const byName = new Map([
      ['eos_token', content],
      ['pad_token', '[PAD]'],
    ]);
    expect(merge({ byName }).added_tokens).toEqual([...json.added_tokens, added(id, content)]);
  });

  it('lets the description of a token replace what tokenizer.json says of it', () => {
    const token = added(2, '</s>', { rstrip: true });
    expect(merge({ described: [token] }).added_tokens[2]).toEqual(token);
  });

  it('refuses an end of text that does not exist', () => {
    const named = { byName: new Map([['eos_token', '<end>']]) };
    expect(() => merge(named)).toThrow(/special token "<end>", which tokenizer\.json does not have/);
    expect(() => merge({ special: ['<end>'] })).toThrow(/"<end>"/);
  });

  it('writes the tokens around a text into the definition', () => {
    const byName = new Map([
      ['bos_token', '<s>'],
      ['eos_token', '</s>'],
    ]);
    const around = (bos: boolean, eos: boolean) =>
      frameOf(merge({ byName, frame: { bos, eos } }).post_processor);
    expect(around(true, false)).toEqual({ before: [1], after: [] });
    expect(around(true, true)).toEqual({ before: [1], after: [2] });
    expect(around(false, true)).toEqual({ before: [], after: [2] });
    expect(merge({ byName, frame: { bos: false, eos: false } }).post_processor).toBeNull();
    expect(merge({ frame: { bos: true, eos: false } }).post_processor).toBeNull();
  });
});

describe('frameOf', () => {
  it('nests the templates of a sequence', () => {
    const file = tinyModel('mistral')['tokenizer.json'];
    file.post_processor = { type: 'Sequence', processors: [template('<s>', 1), template('</s>', 2)] };
    const nested = parseTokenizerJson(JSON.stringify(file)).post_processor;
    expect(frameOf(nested)).toEqual({ before: [2, 1], after: [] });
    expect(frameOf(null)).toEqual({ before: [], after: [] });
  });
});

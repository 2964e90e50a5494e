import { describe, expect, it } from 'vitest';
import { readNamedTokens } from '../../src/pretrained/named-tokens.ts';

const read = (files: Record<string, object>) =>
  readNamedTokens(
    Object.fromEntries(Object.entries(files).map(([name, content]) => [name, JSON.stringify(content)])),
    (file) => `m/${file}`,
  );

describe('readNamedTokens', () => {
  it('finds nothing in no files', () => {
    expect(read({})).toEqual({
      byName: new Map(),
      described: [],
      special: [],
      frame: undefined,
      beginIds: [],
      endIds: [],
    });
  });

  it('reads tokens as text, as objects and as none', () => {
    const config = {
      bos_token: null,
      eos_token: { __type: 'AddedToken', content: '</s>' },
      pad_token: '<pad>',
      additional_special_tokens: ['<a>', { content: '<b>' }],
      extra_special_tokens: { image_token: '<image>' },
      unknown_key: 5,
    };
    const { byName, special } = read({ 'tokenizer_config.json': config });
    expect([...byName]).toEqual([
      ['eos_token', '</s>'],
      ['pad_token', '<pad>'],
    ]);
    expect(special).toEqual(['<a>', '<b>', '<image>']);
  });

  it('lets generation_config.json go before config.json', () => {
    const model = { 'config.json': { eos_token_id: 2, bos_token_id: 1 } };
    expect(read(model)).toMatchObject({ beginIds: [1], endIds: [2] });
    const both = { ...model, 'generation_config.json': { eos_token_id: [3, 4] } };
    expect(read(both)).toMatchObject({ beginIds: [1], endIds: [3, 4] });
  });

  it.each([
    ['LlamaTokenizer', { add_bos_token: true }, { bos: true, eos: false }],
    ['GemmaTokenizerFast', { add_eos_token: true }, { bos: true, eos: true }],
    ['CodeLlamaTokenizerFast', { add_bos_token: false }, { bos: false, eos: false }],
    ['LlamaTokenizer', {}, undefined],
    ['Qwen2Tokenizer', { add_bos_token: false }, undefined],
    ['PreTrainedTokenizerFast', { add_bos_token: true }, undefined],
  ])('%s with %j', (tokenizer_class, keys, frame) => {
    expect(read({ 'tokenizer_config.json': { tokenizer_class, ...keys } }).frame).toEqual(frame);
  });

  it.each([
    [{ eos_token: { lstrip: true } }, /"eos_token\.content" is required/],
    [{ eos_token: ['</s>'] }, /"eos_token" must be an object/],
    [{ add_bos_token: 'true' }, /"add_bos_token" must be true or false/],
    [{ additional_special_tokens: [5] }, /"additional_special_tokens\.0" must be a string/],
    [{ added_tokens_decoder: { '-1': {} } }, /"added_tokens_decoder\.-1" must be under an id/],
    [{ added_tokens_decoder: { 5: {} } }, /"added_tokens_decoder\.5\.content" is required/],
    [{ added_tokens_decoder: { 99999999: { content: 'a' } } }, /must be under an id from 0 to 16777215/],
  ])('refuses %j', (config, message) => {
    expect(() => read({ 'tokenizer_config.json': config })).toThrow(message);
    expect(() => read({ 'tokenizer_config.json': config })).toThrow(/^\[m\/tokenizer_config\.json\]/);
  });
});

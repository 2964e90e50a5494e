import { byteAlphabet, byteLevelTokenizer, formatTokenizerJson, parseTokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { smallMetaspaceFile } from '../helpers/small-metaspace.ts';
import { smallTokenizer } from '../helpers/small-tokenizer.ts';

test('keys, their order and the form of merges are those that loaders expect', () => {
  const text = formatTokenizerJson(smallTokenizer());
  const file = JSON.parse(text);
  expect(Object.keys(file)).toEqual([
    ...['version', 'truncation', 'padding', 'added_tokens', 'normalizer', 'pre_tokenizer', 'post_processor'],
    ...['decoder', 'model'],
  ]);
  expect(file.model.type).toBe('BPE');
  expect(file.model.merges[0]).toBe('h e');
  expect(file.added_tokens[0]).toMatchObject({ id: 262, content: '<|endoftext|>', special: true });
  expect(text.endsWith('}\n')).toBe(true);
});

test('the vocabulary is written by id, digits included', () => {
  const text = formatTokenizerJson(smallTokenizer());
  const ids = [...text.slice(text.indexOf('"vocab"'), text.indexOf('"merges"')).matchAll(/: (\d+)/g)].map(
    ([, id]) => Number(id),
  );
  expect(ids).toEqual(Array.from({ length: 262 }, (_, id) => id));
});

test('any set of merges survives a round trip', () => {
  const alphabet = byteAlphabet();
  const pairs = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 60 });
  fc.assert(
    fc.property(pairs, (picks) => {
      const vocab = new Map(alphabet.map((character, byte) => [character, byte]));
      const merges: [string, string][] = [];
      for (const [left, right] of picks) {
        const tokens = [...vocab.keys()];
        const pair: [string, string] = [tokens[left % tokens.length]!, tokens[right % tokens.length]!];
        if (vocab.has(pair.join(''))) continue;
        vocab.set(pair.join(''), vocab.size);
        merges.push(pair);
      }
      const tokenizer = byteLevelTokenizer({ vocab, merges });
      expect(parseTokenizerJson(formatTokenizerJson(tokenizer))).toEqual(tokenizer);
    }),
    { numRuns: 50 },
  );
});

test('special tokens are listed by id', () => {
  const { model } = smallTokenizer();
  const specialTokens = new Map([
    ['<b>', 301],
    ['<a>', 300],
  ]);
  const { added_tokens } = byteLevelTokenizer({ vocab: model.vocab, merges: model.merges, specialTokens });
  expect(added_tokens.map(({ content }) => content)).toEqual(['<a>', '<b>']);
});

test('nothing is written that could not be loaded', async () => {
  const good = smallTokenizer();
  const vocab = new Map(good.model.vocab);
  vocab.delete('he');
  const error = await failure(
    () => formatTokenizerJson({ ...good, model: { ...good.model, vocab } }),
    'value',
  );
  expect(error.message).toBe(
    '[tokenizer to write] "model.merges.0" needs the token "he" in vocab, got "h e"; correct it',
  );
  const merges: [string, string][] = [['h e', 'l']];
  await failure(() => formatTokenizerJson({ ...good, model: { ...good.model, merges } }), 'value');
});

test("SentencePiece's form survives a round trip; merges whose tokens hold spaces are written as pairs", () => {
  const file = smallMetaspaceFile();
  const tokenizer = parseTokenizerJson(JSON.stringify(file));
  expect(JSON.parse(formatTokenizerJson(tokenizer))).toEqual(file);
  file.model.vocab[' h'] = 400;
  file.model.vocab[' '] = 401;
  file.model.merges = [[' ', 'h']];
  const spaced = parseTokenizerJson(JSON.stringify(file));
  const text = formatTokenizerJson(spaced);
  expect(JSON.parse(text).model.merges).toEqual([[' ', 'h']]);
  expect(parseTokenizerJson(text)).toEqual(spaced);
});

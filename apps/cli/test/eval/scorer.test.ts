import { createByteTokenizer, type Tokenizer, trainBpe } from '@qsparse/data';
import { describe, expect, test } from 'vitest';
import { encodePair, fitToContext } from '../../src/eval/scorer.ts';

const bytes = createByteTokenizer();
const plain = { addBeginOfText: false };
const ids = (text: string) => [...Buffer.from(text)];
/** A tokenizer that begins texts. */
const withBegin: Tokenizer = { ...bytes, beginOfText: 7 };

describe('encodePair', () => {
  test('the continuation is what comes after the tokens of the context', () => {
    expect(encodePair(bytes, { context: 'a b', continuation: ' c' }, plain)).toEqual({
      context: ids('a b'),
      continuation: ids(' c'),
    });
  });

  test('white space at the end of the context belongs to the continuation', () => {
    expect(encodePair(bytes, { context: 'a \n', continuation: 'c' }, plain)).toEqual({
      context: ids('a'),
      continuation: ids(' \nc'),
    });
  });

  test('an empty context is the token that begins a text, or else the one that ends it', () => {
    const pair = { context: '', continuation: 'c' };
    expect(encodePair(bytes, pair, plain).context).toEqual([bytes.endOfText]);
    expect(encodePair(withBegin, pair, plain).context).toEqual([7]);
    expect(encodePair(withBegin, { context: ' ', continuation: 'c' }, plain)).toEqual({
      context: [7],
      continuation: ids(' c'),
    });
  });

  test('the beginning of a text comes in front where it is asked for', () => {
    const pair = { context: 'a', continuation: ' c' };
    expect(encodePair(withBegin, pair, { addBeginOfText: true }).context).toEqual([7, ...ids('a')]);
  });

  test('context and continuation are encoded as one text, so that tokens are those of the text', async () => {
    const bpe = await trainBpe(['the cat sat on the mat, the cat sat on the mat. '.repeat(40)], {
      vocabSize: 300,
    });
    const { context, continuation } = encodePair(bpe, { context: 'the cat', continuation: ' sat' }, plain);
    expect([...context, ...continuation]).toEqual([...bpe.encode('the cat sat')]);
    expect(context).toEqual([...bpe.encode('the cat')]);
  });

  test('a text that spells a special token is letters', () => {
    const { continuation } = encodePair(bytes, { context: 'a', continuation: '<|endoftext|>' }, plain);
    expect(continuation).toEqual(ids('<|endoftext|>'));
  });
});

describe('fitToContext', () => {
  const request = { context: [1, 2, 3, 4], continuation: [5, 6] };

  test('the last token is not read, so that one more fits', () => {
    expect(fitToContext(request, 5, 'x')).toEqual({ request, cut: 0 });
    expect(fitToContext(request, 3, 'x')).toEqual({
      request: { context: [3, 4], continuation: [5, 6] },
      cut: 2,
    });
  });

  test('one token of the context must stay', () => {
    expect(fitToContext(request, 2, 'x').request.context).toEqual([4]);
    expect(() => fitToContext(request, 1, 'set.jsonl, row 7')).toThrow(
      '[eval] set.jsonl, row 7: the continuation has 2 tokens, the model sees 1; leave the row out',
    );
  });

  test('a continuation without tokens is refused', () => {
    expect(() => fitToContext({ context: [1], continuation: [] }, 8, 'set.jsonl, row 2')).toThrow(
      'set.jsonl, row 2: a continuation of at least one token is required, got none',
    );
  });
});

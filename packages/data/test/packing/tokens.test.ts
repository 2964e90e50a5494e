import { describe, expect, it } from 'vitest';
import { tokenizeDocuments, toTokens } from '../../src/packing/tokens.ts';
import { createByteTokenizer } from '../../src/tokenizer/byte.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';

const tokenizer = createByteTokenizer();

describe('tokenizeDocuments', () => {
  it('ends every document', async () => {
    const tokens = await tokenizeDocuments(['ab', 'c'], tokenizer);
    expect(tokens).toEqual(Uint16Array.of(97, 98, 256, 99, 256));
    async function* stream(): AsyncGenerator<string> {
      yield* ['ab', 'c'];
    }
    expect(await tokenizeDocuments(stream(), tokenizer)).toEqual(tokens);
  });

  it('passes on how special tokens are read', async () => {
    expect(await tokenizeDocuments(['<|endoftext|>'], tokenizer)).toHaveLength(2);
    expect(await tokenizeDocuments(['<|endoftext|>'], tokenizer, { specialTokens: 'text' })).toHaveLength(14);
  });

  it('takes four bytes a token where two do not suffice', async () => {
    const large: Tokenizer = {
      ...tokenizer,
      vocabularySize: 70_000,
      endOfText: 69_999,
      encode: () => Int32Array.of(65_536),
    };
    expect(await tokenizeDocuments(['a'], large)).toEqual(Int32Array.of(65_536, 69_999));
    const fits: Tokenizer = {
      ...large,
      vocabularySize: 65_536,
      endOfText: 65_535,
      encode: () => Int32Array.of(0),
    };
    expect(await tokenizeDocuments(['a'], fits)).toEqual(Uint16Array.of(0, 65_535));
  });

  it('reports progress and stops on abort', async () => {
    const seen: unknown[] = [];
    await tokenizeDocuments(['ab', 'c'], tokenizer, { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([
      { documents: 1, tokens: 3 },
      { documents: 2, tokens: 5 },
    ]);
    const reason = new Error('enough');
    await expect(tokenizeDocuments(['a'], tokenizer, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 10);
    function* endless(): Generator<string> {
      for (;;) yield 'a'.repeat(1000);
    }
    await expect(tokenizeDocuments(endless(), tokenizer, { signal: controller.signal })).rejects.toBe(reason);
  });

  it('asks for a document', async () => {
    await expect(tokenizeDocuments([], tokenizer)).rejects.toMatchObject({ code: 'empty' });
  });
});

describe('toTokens', () => {
  it('chooses the type by the vocabulary and checks the ids', () => {
    expect(toTokens([0, 65_535], 65_536)).toEqual(Uint16Array.of(0, 65_535));
    expect(toTokens([0, 65_536], 65_537)).toEqual(Int32Array.of(0, 65_536));
    for (const bad of [-1, 300, 1.5, Number.NaN]) {
      expect(() => toTokens([1, bad], 300)).toThrow(
        `ids must be integers from 0 to 299, got ${bad} at index 1`,
      );
    }
  });
});

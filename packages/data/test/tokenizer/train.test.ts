import { formatTokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BYTE_SYMBOLS, symbolsOf } from '../../src/tokenizer/alphabet.ts';
import { type TrainBpeOptions, type TrainBpeProgress, trainBpe } from '../../src/tokenizer/train.ts';
import { createOracle } from '../oracle.ts';
import { shakespeare } from '../shakespeare.ts';

const PATTERN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

async function merges(texts: readonly string[], options: TrainBpeOptions): Promise<string[]> {
  return (await trainBpe(texts, options)).toJson().model.merges.map((pair) => pair.join(' '));
}

describe('trainBpe', () => {
  it('merges the most frequent pair, of equal ones the smaller ids', async () => {
    // "aab" 4 times: (a, a) and (a, b) come 4 times each; then (aa, b).
    expect(await merges(['aab aab aab aab'], { vocabSize: 259 })).toEqual(['a a', 'aa b']);
    expect(await merges(['ba', 'ba', 'ab', 'ab'], { vocabSize: 300 })).toEqual(['a b', 'b a']);
    // "xyzxyz": (x, y) and (y, z) come twice, (z, x) once.
    expect(await merges(['xyzxyz'], { vocabSize: 300 })).toEqual(['x y', 'xy z', 'xyz xyz'].slice(0, 2));
    expect(await merges(['xyzxyz'], { vocabSize: 300, minFrequency: 1 })).toEqual(['x y', 'xy z', 'xyz xyz']);
  });

  it('chooses as plain counting does', async () => {
    const text = shakespeare.slice(0, 3000);
    const words = (text.match(PATTERN) ?? []).map((word) => [...symbolsOf(new TextEncoder().encode(word))]);
    const ids = new Map(BYTE_SYMBOLS.map((symbol, byte) => [symbol, byte]));
    const expected: string[] = [];
    while (expected.length < 120) {
      const counts = new Map<string, number>();
      for (const word of words) {
        for (let at = 0; at + 1 < word.length; at++) {
          const pair = `${word[at]} ${word[at + 1]}`;
          counts.set(pair, (counts.get(pair) ?? 0) + 1);
        }
      }
      const order = [...counts].map(([pair, count]) => {
        const [left, right] = pair.split(' ') as [string, string];
        return { pair, left, right, count };
      });
      order.sort(
        (a, b) =>
          b.count - a.count || ids.get(a.left)! - ids.get(b.left)! || ids.get(a.right)! - ids.get(b.right)!,
      );
      const { pair, left, right } = order[0]!;
      expected.push(pair);
      if (!ids.has(left + right)) ids.set(left + right, ids.size + 1);
      for (const word of words) {
        for (let at = 0; at + 1 < word.length; at++) {
          if (word[at] === left && word[at + 1] === right) word.splice(at, 2, left + right);
        }
      }
    }
    expect((await merges([text], { vocabSize: 600 })).slice(0, 120)).toEqual(expected);
  });

  it('gives every token one id and every id one token', async () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'a', 'b', 'c', ' '), maxLength: 30 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(words, async (texts) => {
        fc.pre(texts.join('') !== '');
        const tokenizer = await trainBpe(texts, { vocabSize: 400, minFrequency: 1 });
        const { vocab, merges: made } = tokenizer.toJson().model;
        expect([vocab.size, new Set(vocab.values()).size]).toEqual([257 + made.length, 257 + made.length]);
        expect(tokenizer.vocabularySize).toBe(vocab.size);
        // What was trained on is merged to the end: a word is one token.
        expect(tokenizer.encode(texts[0]!)).toHaveLength(texts[0]!.match(PATTERN)?.length ?? 0);
      }),
      { numRuns: 100 },
    );
  });

  it('gives the same file for the same text in any order and any stream', async () => {
    const paragraphs = shakespeare.split(/(?<=\n\n)/);
    async function* stream(): AsyncGenerator<string> {
      yield* paragraphs.toReversed();
    }
    const options = { vocabSize: 700 };
    const file = formatTokenizerJson((await trainBpe(paragraphs, options)).toJson());
    expect(formatTokenizerJson((await trainBpe(stream(), options)).toJson())).toBe(file);
  });

  it('fills the vocabulary: bytes, special tokens, merges', async () => {
    const tokenizer = await trainBpe([shakespeare], {
      vocabSize: 1000,
      specialTokens: ['<s>', '<|endoftext|>'],
    });
    expect(tokenizer).toMatchObject({ vocabularySize: 1000, endOfText: 257 });
    expect(tokenizer.toJson().model.merges).toHaveLength(1000 - 258);
    expect(shakespeare.length / tokenizer.encode(shakespeare).length).toBeGreaterThan(2.6);
  });

  it('ends early when nothing is left to merge', async () => {
    expect((await trainBpe(['abab'], { vocabSize: 5000 })).vocabularySize).toBe(258);
    expect(
      (await trainBpe([shakespeare], { vocabSize: 5000, minFrequency: 1000 })).vocabularySize,
    ).toBeLessThan(270);
  });

  it('never makes part of a special token, nor its double', async () => {
    const text = 'a<|endoftext|>'.repeat(50);
    expect((await trainBpe([text], { vocabSize: 400 })).vocabularySize).toBe(257);
    // As bytes "é" is spelled "Ã©" in the file, which is a special token here.
    const tokenizer = await trainBpe(['é'.repeat(50)], {
      vocabSize: 400,
      specialTokens: ['<|endoftext|>', 'Ã©'],
    });
    expect(tokenizer.decode(tokenizer.encode('éÃ©'))).toBe('éÃ©');
    const oracle = createOracle(tokenizer.toJson());
    expect([...tokenizer.encode('ééÃ©é')]).toEqual(oracle.encode('ééÃ©é'));
  });

  it('is not slowed down by one endless word', async () => {
    const started = performance.now();
    const tokenizer = await trainBpe([`${'ab'.repeat(100_000)}${'c'.repeat(100_000)}`], { vocabSize: 300 });
    expect(tokenizer.vocabularySize).toBeGreaterThan(280);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('tells how far it is', async () => {
    const seen: TrainBpeProgress[] = [];
    await trainBpe(
      Array.from({ length: 40 }, () => shakespeare),
      { vocabSize: 500, onProgress: (progress) => seen.push(progress) },
    );
    expect(seen.some(({ phase }) => phase === 'count')).toBe(true);
    expect(seen.at(-1)).toEqual({ phase: 'merge', done: 500, total: 500 });
    for (const [index, { phase, done }] of seen.entries()) {
      const before = seen[index - 1];
      if (before?.phase === phase) expect(done).toBeGreaterThanOrEqual(before.done);
    }
  });

  it('stops on abort with its reason', async () => {
    const reason = new Error('enough');
    const options = { vocabSize: 500, signal: AbortSignal.abort(reason) };
    await expect(trainBpe([shakespeare], options)).rejects.toBe(reason);
    function* endless(): Generator<string> {
      for (;;) yield shakespeare;
    }
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await expect(trainBpe(endless(), { vocabSize: 500, signal: controller.signal })).rejects.toBe(reason);
  });

  it.each([
    [
      { vocabSize: 256 },
      'vocabulary',
      /vocabSize must be an integer from 257 \(256 bytes and 1 special tokens\) to 16777216, got 256/,
    ],
    [{ vocabSize: 300.5 }, 'vocabulary', /got 300.5/],
    [{ vocabSize: 2 ** 24 + 1 }, 'vocabulary', /got 16777217/],
    [{ vocabSize: 258, specialTokens: ['<|endoftext|>', '<a>', '<b>'] }, 'vocabulary', /from 259 /],
    [{ vocabSize: 300, specialTokens: [] }, 'vocabulary', /must hold "<\|endoftext\|>"/],
    [{ vocabSize: 300, minFrequency: 0 }, 'value', /minFrequency must be an integer from 1 /],
  ])('refuses %j', async (options, code, message) => {
    await expect(trainBpe([shakespeare], options)).rejects.toMatchObject({ code, message });
  });

  it('asks for text', async () => {
    for (const texts of [[], [''], ['<|endoftext|>']]) {
      await expect(trainBpe(texts, { vocabSize: 300 })).rejects.toMatchObject({ code: 'empty' });
    }
  });
});

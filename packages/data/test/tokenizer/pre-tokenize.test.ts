import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detached, preTokens } from '../../src/tokenizer/pre-tokenize.ts';
import { GPT2_PATTERN, hostileText, wellFormed } from '../oracle.ts';
import { shakespeare } from '../shakespeare.ts';

const words = (text: string): string[] => [...preTokens(text)].flat();
describe('preTokens', () => {
  it('cuts as GPT-2 does', () => {
    expect(words("I'll pay  $12.50,\n\n  won't I?")).toEqual([
      'I',
      "'ll",
      ' pay',
      ' ',
      ' $',
      '12',
      '.',
      '50',
      ',',
      '\n\n ',
      ' won',
      "'t",
      ' I',
      '?',
    ]);
    expect(words('')).toEqual([]);
  });

  it('cuts long text in parts without a trace', () => {
    const long = fc.tuple(
      fc.array(hostileText, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 60 }),
    );
    fc.assert(
      fc.property(long, ([pieces, times]) => {
        const filler = shakespeare.slice(0, 5000);
        const text = pieces.map((piece) => piece.repeat(times) + filler).join('');
        expect(words(text)).toEqual(text.match(GPT2_PATTERN) ?? []);
      }),
      { numRuns: 25 },
    );
    for (const gap of ['', ' ', '\n', ' \n', '\r\n ', '\u00a0 ', '\u0085 ', '\ufeff\n']) {
      for (let length = 65534; length < 65539; length++) {
        const text = `${'a'.repeat(length)}${gap}${'b '.repeat(5)}${' '.repeat(70000)}c`;
        expect(words(text)).toEqual(text.match(GPT2_PATTERN));
      }
    }
  });

  it('gives lists of bounded size', () => {
    for (const list of preTokens(shakespeare.repeat(10))) expect(list.length).toBeLessThan(1 << 16);
  });
});

describe('detached', () => {
  it('copies', () => {
    const same = fc.property(hostileText, (text) => {
      expect(detached(text)).toBe(wellFormed(text));
    });
    fc.assert(same);
  });
});

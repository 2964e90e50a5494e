import { describe, expect, it } from 'vitest';
import { TokenizerError } from '../../src/errors.ts';
import { patternCompiler } from '../../src/pretrained/patterns.ts';

const compile = patternCompiler('models/tokenizer.json');
const all = (source: string, text: string) => text.match(compile(source));

describe('patternCompiler', () => {
  it("reads what JavaScript's regular expressions write differently", () => {
    expect(all("(?i:'s|'ll)", "it'S he'LL 's")).toEqual(["'S", "'LL", "'s"]);
    // White space is Unicode's.
    expect(all('\\s+', 'a\u0085\u00a0b\ufeffc')).toEqual(['\u0085\u00a0']);
    // Behind braces a plus repeats once more and takes nothing for good.
    expect(all('\\p{N}{1,3}+|\\S', '12345a')).toEqual(['12345', 'a']);
    expect(all('[^\\r\\n\\p{L}]?+\\p{L}++', ' ab漢\ncd')).toEqual([' ab漢', 'cd']);
    expect(all('[一-龥぀-ゟ]+', 'a漢字かb')).toEqual(['漢字か']);
  });

  it.each([
    ['(', /"\(" of pre_tokenizer is no regular expression that can be read here/],
    ['(a*)*', /repeats a group whose parts vary/],
    ['a'.repeat(10_001), /may have 10000 characters, it has 10001/],
  ])('refuses a pattern in one line that names the file', (source, message) => {
    const thrown = expect.objectContaining({
      code: 'tokenizer-json',
      message: expect.stringMatching(message),
    });
    expect(() => compile(source)).toThrow(thrown);
    expect(() => compile(source)).toThrow(TokenizerError);
    expect(() => compile(source)).toThrow(/^\[loadTokenizer\] models\/tokenizer\.json: /);
  });
});

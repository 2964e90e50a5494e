import { MAX_JSON_DEPTH, parseJson } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failure, successOrFormatError } from '../helpers/outcome.ts';

/** What JSON.parse says, or undefined. */
function builtIn(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

describe('agreement with JSON.parse', () => {
  test('every JSON value is read alike', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
        const spaced = JSON.stringify(JSON.parse(text), null, space);
        expect(parseJson(spaced)).toEqual(JSON.parse(spaced));
      }),
      { numRuns: 300 },
    );
  });

  test('damaged JSON is never accepted where JSON.parse refuses it, and read alike where it does not', async () => {
    const damaged = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom(...'{}[]",:\\u0123eE+-. \n\u0000tfnalse'))
      .map(([text, at, character]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + character + text.slice(place + (at % 3));
      });
    await fc.assert(
      fc.asyncProperty(damaged, async (text) => {
        const ours = await successOrFormatError(() => ({ value: parseJson(text) }));
        if (ours !== undefined) expect(ours).toEqual(builtIn(text));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ...[
      '01',
      '1.',
      '.5',
      '+1',
      '-',
      '1e',
      '0x1',
      'NaN',
      'Infinity',
      'tru',
      'True',
      "'a'",
      '"\t"',
      '"\\x"',
      '"\\u12G4"',
    ],
    ...[
      '"',
      '"\\',
      '"\\u12',
      '[1,]',
      '[,1]',
      '[1 2]',
      '{"a":1,}',
      '{a:1}',
      '{"a" 1}',
      '{"a":}',
      '{,}',
      '1 2',
      ']',
      '\u00a01',
    ],
  ])('%j is refused, as by JSON.parse', async (text) => {
    expect(builtIn(text)).toBeUndefined();
    await failure(() => parseJson(text), 'json');
  });
});

describe('what JSON.parse lets through', () => {
  test('duplicate keys, with their place', async () => {
    const error = await failure(
      () => parseJson('{"a": 1,\n "b": {"c": 1, "\\u0063": 2}}', 'x.json'),
      'duplicate-key',
    );
    expect(error.message).toBe(
      '[json] x.json, line 2, column 16: every key may stand once, "c" stands twice; correct the text there',
    );
    expect(error.key).toBe('c');
  });

  test('the same key in different objects is fine, and so is __proto__', () => {
    expect(parseJson('[{"a":1},{"a":{"a":2}}]')).toEqual([{ a: 1 }, { a: { a: 2 } }]);
    const object = parseJson('{"__proto__":{"polluted":true}}') as object;
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.keys(object)).toEqual(['__proto__']);
    expect('polluted' in object).toBe(false);
  });

  test('a second __proto__ is a duplicate', async () => {
    await failure(() => parseJson('{"__proto__":1,"__proto__":2}'), 'duplicate-key');
  });

  test('half of a surrogate pair and numbers beyond the range', async () => {
    await failure(() => parseJson('"\\ud800"'), 'json');
    await failure(() => parseJson('{"\\udc00":1}'), 'json');
    expect(parseJson('"\\ud83d\\ude00"')).toBe('😀');
    await failure(() => parseJson('1e999'), 'json');
  });

  test('depth is bounded, far before the call stack is', async () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    parseJson(nested(MAX_JSON_DEPTH));
    await failure(() => parseJson(nested(MAX_JSON_DEPTH + 1)), 'too-deep');
    await failure(() => parseJson('{"a":'.repeat(1e6)), 'too-deep');
  });
});

test('columns count characters, not code units', async () => {
  const error = await failure(() => parseJson('{"😀😀":x}'), 'json');
  expect(error.message).toContain('line 1, column 7');
});

test('text of many megabytes is read in linear time', async () => {
  const long = `["${'a'.repeat(5e6)}","${'\\n'.repeat(1e6)}",${'1,'.repeat(5e5)}1]`;
  const start = performance.now();
  expect((parseJson(long) as unknown[]).length).toBe(500_003);
  await failure(() => parseJson(`${long.slice(0, -1)}?`), 'json');
  expect(performance.now() - start).toBeLessThan(5000);
});

test('a web page or a Git LFS pointer in place of the file is called by its name', async () => {
  const page = await failure(() => parseJson('\n<!DOCTYPE html>\n<html></html>', 'tokenizer.json'), 'json');
  expect(page.message).toBe(
    '[json] tokenizer.json, line 2, column 1: JSON is required, this is a web page; ' +
      'download the file itself; a page may mean a wrong address or that a login is needed',
  );
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9085657\n';
  expect((await failure(() => parseJson(pointer), 'json')).message).toMatch(
    /this is a Git LFS pointer; .*git lfs pull/,
  );
});

import { describe, expect, it } from 'vitest';
import { DataError, quoted, requireInteger, TextError } from '../src/errors.ts';

describe('DataError', () => {
  it('says where, what and what to do', () => {
    const error = new DataError('empty', 'trainBpe', 'no text', 'give some');
    expect(error.message).toBe('[trainBpe] no text; give some');
    expect(error).toMatchObject({ name: 'DataError', code: 'empty', where: 'trainBpe', hint: 'give some' });
  });

  it('stays on one line and leaves the terminal alone, whatever the names hold', () => {
    const { message } = new TextError('empty', { file: 'a\r\nb\u001b[31m\u2028c\u202ed' }, 'holds\tno text');
    expect(message).toBe('[readDocuments] a b [31m c d: holds no text');
  });

  it('keeps the cause only where there is one', () => {
    expect('cause' in new DataError('empty', 'f', 'w')).toBe(false);
    expect(new DataError('empty', 'f', 'w', '', 'why').cause).toBe('why');
  });
});

describe('TextError', () => {
  it('tells file, line and byte', () => {
    const error = new TextError('jsonl', { file: 'a.jsonl', line: 7 }, 'bad');
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toBe('[readDocuments] a.jsonl, line 7: bad');
    expect(error).toMatchObject({ name: 'TextError', file: 'a.jsonl', line: 7, byte: undefined });
  });
});

describe('quoted', () => {
  it('escapes and shortens', () => {
    expect(quoted('a"\n')).toBe('"a\\"\\n"');
    expect(quoted('x'.repeat(100))).toBe(`"${'x'.repeat(60)}…"`);
  });
});

describe('requireInteger', () => {
  it('takes the bounds and nothing outside or between', () => {
    requireInteger('f', 'n', 1, 1, 3);
    requireInteger('f', 'n', 3, 1, 3);
    for (const bad of [0, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2' as unknown as number]) {
      expect(() => requireInteger('f', 'n', bad, 1, 3)).toThrow(
        /^\[f\] n must be an integer from 1 to 3, got /,
      );
    }
  });
});

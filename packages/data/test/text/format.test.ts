import { describe, expect, it } from 'vitest';
import { fileFormat } from '../../src/text/format.ts';

describe('fileFormat', () => {
  it.each([
    ['a.txt', 'text', 'none'],
    ['a.b.TXT', 'text', 'none'],
    ['dir.jsonl/a.txt.gz', 'text', 'gzip'],
    ['a.txt.br', 'text', 'brotli'],
    ['a.jsonl', 'jsonl', 'none'],
    ['a.JSONL.GZ', 'jsonl', 'gzip'],
    ['a.jsonl.br', 'jsonl', 'brotli'],
  ])('%s is %s, %s', (name, format, compression) => {
    expect(fileFormat(name, {})).toEqual({ format, compression });
  });

  it.each(['a', 'a.json', 'a.parquet', 'a.gz', 'txt', 'a.txt.zip', ''])('refuses %j by name', (name) => {
    expect(() => fileFormat(name, {})).toThrow(
      expect.objectContaining({
        code: 'file-format',
        file: name,
        message: expect.stringContaining("format: 'text'"),
      }),
    );
  });

  it('follows what is stated', () => {
    expect(fileFormat('README.md', { format: 'text' })).toEqual({ format: 'text', compression: 'none' });
    expect(fileFormat('a.bin.gz', { format: 'jsonl' })).toEqual({ format: 'jsonl', compression: 'gzip' });
    expect(fileFormat('a.txt.gz', { compression: 'none' })).toEqual({ format: 'text', compression: 'none' });
  });
});

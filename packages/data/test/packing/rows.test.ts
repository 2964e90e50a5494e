import { describe, expect, it } from 'vitest';
import { countRows } from '../../src/packing/rows.ts';

const count = (length: number, rowLength: number, batchSize = 1): number =>
  countRows('f', new Uint16Array(length), { rowLength, batchSize });

describe('countRows', () => {
  it('counts rows that share their end tokens', () => {
    expect([5, 8, 9, 12, 13].map((length) => count(length, 4))).toEqual([1, 1, 2, 2, 3]);
    expect(count(2, 1)).toBe(1);
  });

  it('says with numbers what is too short', () => {
    expect(() => count(256, 256)).toThrow(
      expect.objectContaining({
        name: 'PackingError',
        code: 'too-short',
        message:
          '[f] a row takes 257 tokens (rowLength 256 and the last target), the data has 256; give more text, or a rowLength below 256',
      }),
    );
    expect(() => count(0, 1)).toThrow(/the data has 0; give more text/);
  });

  it('refuses sizes that are none', () => {
    for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => count(100, bad)).toThrow(expect.objectContaining({ code: 'value' }));
      expect(() => count(100, 4, bad)).toThrow(expect.objectContaining({ code: 'value' }));
    }
    expect(() => count(100, 2 ** 20, 2 ** 11)).toThrow(/batchSize must be an integer from 1 to 1024/);
  });
});

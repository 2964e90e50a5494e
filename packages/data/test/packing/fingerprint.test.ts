import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../src/packing/fingerprint.ts';

/** By the definition, with big integers. */
function plainly(ids: readonly number[]): string {
  const hash = ids.reduce(
    (sum, id) => BigInt.asUintN(64, (sum ^ BigInt(id)) * 0x100000001b3n),
    0xcbf29ce484222325n,
  );
  return hash.toString(16).padStart(16, '0');
}

describe('fingerprint', () => {
  // Test vectors published with FNV.
  it.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ])('of the bytes of %j is %s', (text, hash) => {
    expect(fingerprint(Uint16Array.from(Buffer.from(text)))).toBe(hash);
    expect(fingerprint(Int32Array.from(Buffer.from(text)))).toBe(hash);
  });

  it('is what the definition says for larger ids', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 24)), (ids) => {
        expect(fingerprint(Int32Array.from(ids))).toBe(plainly(ids));
      }),
    );
  });

  it('tells a changed, moved or missing token', () => {
    const all = [
      [1, 2, 3],
      [1, 2, 4],
      [2, 1, 3],
      [1, 2],
      [1, 2, 3, 0],
      [0, 1, 2, 3],
      [258, 3],
    ];
    expect(new Set(all.map((ids) => fingerprint(Uint16Array.from(ids)))).size).toBe(all.length);
  });
});

import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

const ALL_BITS = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** The value of a small float by its definition, in double precision. */
function definedValue(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >>> 15 === 0 ? 1 : -1;
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = bits & (2 ** fractionBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}

const FORMATS = [
  { name: 'bf16', widen: bf16ToF32, narrow: f32ToBf16, exponentBits: 8, fractionBits: 7, infinity: 0x7f80 },
  { name: 'f16', widen: f16ToF32, narrow: f32ToF16, exponentBits: 5, fractionBits: 10, infinity: 0x7c00 },
] as const;

describe.each(FORMATS)('$name', ({ widen, narrow, exponentBits, fractionBits, infinity }) => {
  const wide = widen(ALL_BITS);
  const isNan = (bits: number) => (bits & 0x7fff) > infinity;

  /** Nearest by search over all finite values of the format; ties go to even bits. */
  function nearest(value: number): number {
    const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
    const magnitude = Math.abs(value);
    let low = 0;
    let high: number = infinity;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (wide[middle]! <= magnitude) low = middle;
      else high = middle;
    }
    // Beyond the largest number, rounding goes as if one more step of its exponent existed.
    const step = wide[infinity - 1]! - wide[infinity - 2]!;
    const above = high === infinity ? wide[infinity - 1]! + step : wide[high]!;
    const below = magnitude - wide[low]!;
    const rest = above - magnitude;
    return sign | (below < rest || (below === rest && low % 2 === 0) ? low : high);
  }

  test('all 65536 patterns are widened exactly', () => {
    for (const bits of ALL_BITS) {
      const value = definedValue(bits, exponentBits, fractionBits);
      if (!Object.is(wide[bits], value)) throw new Error(`${bits}: ${wide[bits]} instead of ${value}`);
    }
  });

  test('all 65536 patterns survive the way there and back; a NaN stays a NaN of the same sign', () => {
    const back = narrow(wide);
    for (const bits of ALL_BITS) {
      const same = isNan(bits)
        ? isNan(back[bits]!) && back[bits]! >>> 15 === bits >>> 15
        : back[bits] === bits;
      if (!same) throw new Error(`${bits} came back as ${back[bits]}`);
    }
  });

  test('halfway between neighbours goes to the even one, a little off goes to the nearer one', () => {
    for (let bits = 0; bits < infinity; bits++) {
      const low = wide[bits]!;
      const step = bits + 1 === infinity ? low - wide[bits - 1]! : wide[bits + 1]! - low;
      const halfway = new Float32Array([low + step / 2]);
      // The smallest bfloat16 is 2^16 times the smallest float32, so that halfway is always a float32.
      const raw = new Uint32Array(halfway.buffer);
      const even = bits % 2 === 0 ? bits : bits + 1;
      if (narrow(halfway)[0] !== even) throw new Error(`halfway above ${bits}`);
      raw[0]! -= 1;
      if (narrow(halfway)[0] !== bits) throw new Error(`just below halfway above ${bits}`);
      raw[0]! += 2;
      if (narrow(halfway)[0] !== bits + 1) throw new Error(`just above halfway above ${bits}`);
    }
  });

  test('any float32 is rounded to the nearest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (raw) => {
        const value = new Float32Array(Uint32Array.of(raw).buffer);
        const got = narrow(value)[0]!;
        if (Number.isNaN(value[0])) expect(isNan(got)).toBe(true);
        else
          expect(got).toBe(
            Number.isFinite(value[0]) ? nearest(value[0]!) : infinity | (raw < 2 ** 31 ? 0 : 0x8000),
          );
      }),
      { numRuns: 2000 },
    );
  });

  test('a NaN whose payload lies only in the dropped bits stays a NaN', () => {
    const payload = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
    expect([...narrow(payload)].every(isNan)).toBe(true);
  });

  test('out is used when given, and must fit', async () => {
    const out = new Float32Array(2);
    expect(widen(Uint16Array.of(0, infinity), out)).toBe(out);
    expect([...out]).toEqual([0, Infinity]);
    const bits = new Uint16Array(2);
    expect(narrow(out, bits)).toBe(bits);
    await failure(() => widen(new Uint16Array(3), out), 'byte-count');
    await failure(() => narrow(new Float32Array(3), bits), 'byte-count');
  });

  test('parts of larger buffers are converted in place of themselves', () => {
    const values = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    expect([...widen(narrow(values))]).toEqual([1, 2]);
    const target = new Float32Array(4);
    widen(narrow(values), target.subarray(1, 3));
    expect([...target]).toEqual([0, 1, 2, 0]);
  });
});

import { readFile } from 'node:fs/promises';
import { bytesReader, f32ToF16 } from '@qsparse/formats';
import {
  float32ToGguf,
  type GgmlType,
  type GgufTensor,
  ggufToFloat32,
  ggufToTernary,
  openGguf,
  type WritableType,
} from '@qsparse/formats/gguf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import golden from '../fixtures/ternary-golden.json' with { type: 'json' };
import { failure } from '../helpers/outcome.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const pattern = (count: number, scale = 1) =>
  Float32Array.from({ length: count }, (_, i) => ((i % 3) - 1) * scale);
const tensor = (type: GgmlType, count: number, bytes: Uint8Array): GgufTensor => ({
  name: 't',
  type,
  shape: [count],
  bytes,
});

/** An I2_S tensor from its codes, in hexadecimal and repeated, and its scale. */
function i2s(codes: string, count: number, scale: number): GgufTensor {
  const bytes = new Uint8Array(count / 4 + 32);
  bytes.set(Buffer.from(codes.repeat(count), 'hex').subarray(0, count / 4));
  new DataView(bytes.buffer).setFloat32(count / 4, scale, true);
  return tensor('I2_S', count, bytes);
}

describe('golden vectors', () => {
  test('TQ2_0', () => {
    const bytes = float32ToGguf('TQ2_0', pattern(256));
    expect(hex(bytes)).toBe(`${golden.TQ2_0.repeated.repeat(22).slice(0, 128)}003c`);
    expect(ggufToFloat32(tensor('TQ2_0', 256, bytes))).toEqual(pattern(256));
  });

  test('TQ1_0', () => {
    const bytes = float32ToGguf('TQ1_0', pattern(256));
    const { repeated, middle, last } = golden.TQ1_0;
    const parts = [repeated.repeat(11).slice(0, 64), middle.repeat(6).slice(0, 32), last, '003c'];
    expect(hex(bytes)).toBe(parts.join(''));
    expect(ggufToFloat32(tensor('TQ1_0', 256, bytes))).toEqual(pattern(256));
  });

  test('I2_S', () => {
    expect(ggufToFloat32(i2s(golden.I2_S.repeated, 128, 0.5))).toEqual(pattern(128, 0.5));
    expect(ggufToFloat32(i2s(golden.I2_S.allZero, 256, 3))).toEqual(new Float32Array(256));
  });

  test('I2_S goes on through the rows in groups of 128', () => {
    const first = i2s(golden.I2_S.repeated, 128, 2);
    const bytes = new Uint8Array(2 * 32 + 32);
    bytes.set(first.bytes.subarray(0, 32));
    bytes.fill(0xaa, 32, 64);
    new DataView(bytes.buffer).setFloat32(64, 2, true);
    const values = ggufToFloat32({ name: 't', type: 'I2_S', shape: [4, 64], bytes });
    expect(values.subarray(0, 128)).toEqual(pattern(128, 2));
    expect(values.subarray(128)).toEqual(new Float32Array(128).fill(2));
  });
});

test("what llama.cpp's Python library writes and reads: the same bytes, the same numbers", async () => {
  const bytes = new Uint8Array(await readFile(new URL('../fixtures/gguf-py.gguf', import.meta.url)));
  const file = await openGguf(bytesReader(bytes));
  const source = ggufToFloat32(await file.read('source'));
  const written: readonly WritableType[] = ['F16', 'BF16', 'Q8_0', 'TQ1_0', 'TQ2_0'];
  for (const type of written)
    expect(float32ToGguf(type, source), type).toEqual((await file.read(`as.${type}`)).bytes);
  for (const type of ['Q8_0', 'Q4_0', 'TQ1_0', 'TQ2_0']) {
    const numbers = ggufToFloat32(await file.read(`as.${type}`));
    expect(numbers, type).toEqual(ggufToFloat32(await file.read(`back.${type}`)));
  }
});

/** A block of codes between -largest and largest. */
const codes = (count: number, largest: number) =>
  fc.array(fc.integer({ min: -largest, max: largest }), { minLength: count, maxLength: count });
const scale = fc.integer({ min: 1, max: 0x7bff }).map((bits) => bits);

describe('blocks come back bit by bit', () => {
  test.each(['TQ1_0', 'TQ2_0'] as const)('%s: ternary weights of any scale that float16 holds', (type) => {
    fc.assert(
      fc.property(codes(256, 1), fc.float({ min: 2 ** -14, max: 65_504, noNaN: true }), (values, wide) => {
        const narrow = widened(wide);
        const weights = Float32Array.from(values, (value) => value * narrow);
        const bytes = float32ToGguf(type, weights);
        const back = ggufToFloat32(tensor(type, 256, bytes));
        expect(back).toEqual(weights);
        expect(float32ToGguf(type, back)).toEqual(bytes);
      }),
    );
  });

  test('Q8_0: codes that reach 127', () => {
    fc.assert(
      fc.property(codes(32, 127), scale, (values, bits) => {
        const bytes = new Uint8Array(34);
        bytes.set([bits & 255, bits >>> 8]);
        bytes.set(Int8Array.from([127, ...values.slice(1)]), 2);
        const numbers = ggufToFloat32(tensor('Q8_0', 32, bytes));
        expect(float32ToGguf('Q8_0', numbers)).toEqual(bytes);
      }),
    );
  });

  test('F16 and BF16: every pattern that is a number', () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    for (const [type, infinity] of [
      ['F16', 0x7c00],
      ['BF16', 0x7f80],
    ] as const) {
      const numbers = bits.filter((each) => (each & 0x7fff) <= infinity);
      const bytes = new Uint8Array(numbers.buffer, 0, numbers.byteLength);
      const back = float32ToGguf(type, ggufToFloat32(tensor(type, numbers.length, bytes)));
      expect(Buffer.from(back).equals(bytes), type).toBe(true);
    }
  });

  test('F32: the same bits, NaN and its payload included', () => {
    const bytes = Uint8Array.of(1, 0, 0xc0, 0x7f, 0, 0, 0x80, 0xff);
    const numbers = ggufToFloat32(tensor('F32', 2, bytes));
    expect(hex(float32ToGguf('F32', numbers))).toBe(hex(bytes));
  });
});

/** The nearest float16, as float32. */
function widened(value: number): number {
  const bits = f32ToF16(Float32Array.of(value));
  return ggufToFloat32(tensor('F16', 1, new Uint8Array(bits.buffer)))[0]!;
}

test('no block strays from its numbers by more than half a step', () => {
  fc.assert(
    fc.property(
      fc.float32Array({ minLength: 32, maxLength: 32, noNaN: true, min: -60_000, max: 60_000 }),
      (values) => {
        const step = Math.max(...values.map(Math.abs)) / 127;
        const back = ggufToFloat32(tensor('Q8_0', 32, float32ToGguf('Q8_0', values)));
        // The scale itself is rounded to float16: 2^-11 of it, or half of the smallest float16, on 127 steps.
        const error = step * (0.5 + 127 * 2 ** -11) + 127 * 2 ** -25;
        for (const [i, value] of values.entries())
          expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(error * 1.001);
      },
    ),
  );
});

test('blocks of zeros and of numbers too small for a scale are zeros', () => {
  for (const [type, count] of [
    ['Q8_0', 32],
    ['TQ1_0', 256],
    ['TQ2_0', 256],
  ] as const) {
    for (const value of [0, -0, 1e-45, -1e-40, 1e-30]) {
      const back = ggufToFloat32(
        tensor(type, count, float32ToGguf(type, new Float32Array(count).fill(value))),
      );
      expect(back.every((number) => number === 0)).toBe(true);
    }
  }
});

test('what blocks cannot hold is refused with its place', async () => {
  for (const value of [Number.NaN, Infinity, -Infinity, 65_520 * 127]) {
    const values = new Float32Array(96);
    values[40] = value;
    const error = await failure(() => float32ToGguf('Q8_0', values, 'w'), 'value');
    expect(error.message).toContain('elements 32 to 63');
  }
  await failure(() => float32ToGguf('TQ2_0', new Float32Array(256).fill(65_520)), 'value');
  await failure(() => float32ToGguf('TQ2_0', new Float32Array(255)), 'byte-count');
  await failure(() => float32ToGguf('Q4_0' as never, new Float32Array(32)), 'dtype');
  await failure(() => ggufToFloat32(tensor('Q4_K', 256, new Uint8Array(144))), 'dtype');
  await failure(() => ggufToFloat32(tensor('Q8_0', 32, new Uint8Array(33))), 'byte-count');
  const error = await failure(() => ggufToFloat32({ ...i2s('ff', 128, 1), file: 'a.gguf' }), 'value');
  expect(error.message).toMatch(/^\[gguf\] a\.gguf, tensor "t": codes must be 0, 1 or 2/);
});

describe('ternary weights beside their scale', () => {
  const values = Int8Array.from(pattern(512));

  test('I2_S', () => {
    expect(ggufToTernary(i2s(golden.I2_S.repeated, 384, 0.37))).toEqual({
      values: values.slice(0, 384),
      scale: Math.fround(0.37),
    });
  });

  test.each(['TQ1_0', 'TQ2_0'] as const)('%s, blocks of zeros among them', (type) => {
    const weights = Float32Array.from([...new Float32Array(256), ...pattern(512, 0.25)]);
    const ternary = ggufToTernary(tensor(type, 768, float32ToGguf(type, weights)));
    expect(ternary).toEqual({ values: Int8Array.from([...new Int8Array(256), ...values]), scale: 0.25 });
    const zeros = ggufToTernary(tensor(type, 256, float32ToGguf(type, new Float32Array(256))));
    expect(zeros).toEqual({ values: new Int8Array(256), scale: 0 });
  });

  test('not where scales differ, nor of other types', async () => {
    const weights = Float32Array.from([...pattern(256, 1), ...pattern(256, 2)]);
    await failure(() => ggufToTernary(tensor('TQ2_0', 512, float32ToGguf('TQ2_0', weights))), 'value');
    await failure(() => ggufToTernary(tensor('Q8_0', 32, new Uint8Array(34))), 'dtype');
    await failure(() => ggufToTernary(i2s('c0', 128, 1)), 'value');
  });
});

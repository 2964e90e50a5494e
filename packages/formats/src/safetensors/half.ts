// bfloat16 and IEEE binary16 to float32 and back, on bit patterns. Widening is exact for every pattern (subnormals,
// infinities, NaN); narrowing rounds to nearest, ties to even, overflows to infinity and keeps NaN a NaN.
// Formats: IEEE 754-2019 binary16 (1 sign, 5 exponent, 10 fraction bits); bfloat16 is the upper half of binary32.
import { FormatError } from '../errors.ts';

function requireLength(name: string, required: number, got: number): void {
  if (required === got) return;
  throw new FormatError(
    'byte-count',
    `[${name}] out must have ${required} elements, got ${got}; allocate it anew`,
  );
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** Exact. @param out where to write, of the same length; a new array by default */
export function bf16ToF32(
  bits: Uint16Array,
  out: Float32Array = new Float32Array(bits.length),
): Float32Array {
  requireLength('bf16ToF32', bits.length, out.length);
  const outBits = bitsOf(out);
  for (let i = 0; i < bits.length; i++) outBits[i] = bits[i]! << 16;
  return out;
}

/** Nearest, ties to even. @param out where to write, of the same length; a new array by default */
export function f32ToBf16(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  requireLength('f32ToBf16', values.length, out.length);
  const bits = bitsOf(values);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i]!;
    const isNan = (x & 0x7fffffff) > 0x7f800000;
    // Setting the quiet bit keeps a NaN whose payload lies in the lower half from becoming infinity.
    out[i] = isNan ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** Exact. @param out where to write, of the same length; a new array by default */
export function f16ToF32(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  requireLength('f16ToF32', bits.length, out.length);
  const outBits = bitsOf(out);
  for (let i = 0; i < bits.length; i++) outBits[i] = widenF16(bits[i]!);
  return out;
}

/** Nearest, ties to even. @param out where to write, of the same length; a new array by default */
export function f32ToF16(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  requireLength('f32ToF16', values.length, out.length);
  const bits = bitsOf(values);
  for (let i = 0; i < bits.length; i++) out[i] = narrowF16(bits[i]!);
  return out;
}

function widenF16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half, fraction · 2^-24, is normal in float32: shift its leading one up into bit 10, the hidden bit.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function narrowF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  // 65520 and more round to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent, then round away the lower 13 bits; a carry moves into the exponent, as it should.
    const rebiased = magnitude - (112 << 23);
    return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
  }
  // Below half of the smallest subnormal, and at exactly half of it (a tie with the even 0), the result is 0.
  if (magnitude <= 0x33000000) return sign;
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const drop = 126 - (magnitude >>> 23);
  const kept = significand >>> drop;
  const rest = significand & ((1 << drop) - 1);
  const half = 1 << (drop - 1);
  return sign | (rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept);
}

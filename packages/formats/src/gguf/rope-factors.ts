// Llama 3's scaling of rotary positions in GGUF: not as parameters in the metadata, but as a tensor `rope_freqs.weight` of
// what each pair's frequency is divided by. Formula: transformers, modeling_rope_utils.py, "llama3".
import { showName } from '../display.ts';
import { FormatError } from '../errors.ts';

export const ROPE_FACTORS = 'rope_freqs.weight';

export interface Llama3Scaling {
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  /** Tokens of the context before it was stretched. */
  readonly originalLength: number;
}

/** The rotary positions of a model. */
export interface RotaryShape {
  readonly ropeTheta: number;
  /** D: dimensions of a head, which make D/2 pairs. */
  readonly headSize: number;
}

/**
 * The tensor's elements, [D/2]. With wavelength w of a pair, low and high frequency factors l and h, and original length
 * n: 1 where w < n / h, the factor f where w > n / l, and between them 1 / ((1 - s) / f + s) with s = (n / w - l) / (h - l).
 */
export function llama3RopeFactors(scaling: Llama3Scaling, shape: RotaryShape): Float32Array<ArrayBuffer> {
  return Float32Array.from(wavelengths(shape), (wavelength) => factorAt(wavelength, scaling));
}

/**
 * The inverse. Different parameters can give the same tensor: those of Llama 3.1 where they fit, otherwise others with
 * its low frequency factor, 1.
 * @throws FormatError `value` where no parameters give these factors to 1e-5 of them
 */
export function llama3ScalingOf(
  factors: Float32Array,
  shape: RotaryShape,
  file = 'GGUF file',
): Llama3Scaling {
  const lengths = wavelengths(shape);
  const fits = (scaling: Llama3Scaling) =>
    factors.length === lengths.length &&
    lengths.every((wavelength, i) => Math.abs(factorAt(wavelength, scaling) / factors[i]! - 1) < 1e-5);
  const found = candidates(lengths, factors).find(fits);
  if (found) return found;
  const problem = `the ${shape.headSize / 2} factors of Llama 3's scaling are required, these are others`;
  throw new FormatError(
    'value',
    `[gguf] ${showName(file)}, tensor "${ROPE_FACTORS}": ${problem}; the model cannot be read here`,
    {
      file,
      tensor: ROPE_FACTORS,
    },
  );
}

function wavelengths({ ropeTheta, headSize }: RotaryShape): number[] {
  return Array.from({ length: headSize / 2 }, (_, i) => 2 * Math.PI * ropeTheta ** ((2 * i) / headSize));
}

function factorAt(
  wavelength: number,
  { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalLength }: Llama3Scaling,
): number {
  if (wavelength < originalLength / high) return 1;
  if (wavelength > originalLength / low) return factor;
  const smooth = (originalLength / wavelength - low) / (high - low);
  return 1 / ((1 - smooth) / factor + smooth);
}

/** Of a pair: 1 / wavelength, and s. */
interface Point {
  readonly x: number;
  readonly smooth: number;
}

function candidates(lengths: readonly number[], factors: Float32Array): Llama3Scaling[] {
  const factor = factors.at(-1) ?? 1;
  const points = lengths.map((wavelength, i): Point => {
    return { x: 1 / wavelength, smooth: (1 / factors[i]! - 1 / factor) / (1 - 1 / factor) };
  });
  const first = points.findIndex(({ smooth }) => smooth < 1 - 1e-4);
  const last = points.findLastIndex(({ smooth }) => smooth > 1e-4);
  // What models have: Llama 3.1's length first, then other powers of two.
  const found = [8192, ...Array.from({ length: 16 }, (_, i) => 2 ** (i + 4))].map((originalLength) => {
    return { factor, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalLength };
  });
  // Between the ends s is linear in x: s = (n x - 1) / (h - 1) with l = 1. A lone pair between them, or a step from 1 to
  // the factor, lies on a line to one of its neighbours.
  for (const [from, to] of [
    [first, last],
    [last, last + 1],
    [last - 1, last],
  ]) {
    const [a, b] = [points[from!], points[to!]];
    if (a && b && a !== b) found.push(...throughPoints(factor, a, b));
  }
  // All are stretched.
  if (last < 0) found.push({ ...found[0]!, originalLength: lengths[0]! / 2 });
  return found;
}

/** What people choose are round numbers, and float32 has blurred them: rounded, and as they come out. */
function throughPoints(factor: number, a: Point, b: Point): Llama3Scaling[] {
  const slope = (a.smooth - b.smooth) / (a.x - b.x);
  const below = slope * a.x - a.smooth;
  const [highFrequencyFactor, originalLength] = [1 + 1 / below, slope / below];
  const round = (value: number, parts: number): number => Math.round(value * parts) / parts;
  return [
    [round(highFrequencyFactor, 1000), round(originalLength, 1)] as const,
    [highFrequencyFactor, originalLength] as const,
  ].map(([high, length]) => {
    return { factor, lowFrequencyFactor: 1, highFrequencyFactor: high, originalLength: length };
  });
}

/**
 * Ternary weights as Hugging Face checkpoints store them: four to a byte (uint8 [outputs / 4, inputs]) or as the numbers
 * -1, 0, 1, with one scale a matrix that multiplies or divides (ternary-config.ts).
 */
import type { Shape } from '@qsparse/core';
import { FormatError, type LoadedTensor, type TensorInfo, toFloats } from '@qsparse/formats';
import { unpackHfBitnet } from '@qsparse/quantizers';
import { eachPiece } from './pieces.ts';
import type { TernaryScale } from './ternary-config.ts';

/** The shape in the file of a matrix [outputs, inputs]. */
export function storedShape(
  stored: Pick<TensorInfo, 'dtype'> | undefined,
  [outputs = 0, inputs = 0]: Shape,
): Shape {
  return stored?.dtype === 'u8' ? [Math.ceil(outputs / 4), inputs] : [outputs, inputs];
}

/** The scale that a product is multiplied by. Throws FormatError for one that is no positive number. */
export function effectiveScale(stored: LoadedTensor, scale: TernaryScale, file: string): number {
  const value = toFloats(stored)[0]!;
  if (value > 0 && Number.isFinite(value)) return scale === 'multiplies' ? value : 1 / value;
  throw ternaryError('value', file, stored.name, `must be a positive number, got ${value}`, 'fetch it again');
}

/** The numbers -1, 0, 1 of a stored matrix. Throws FormatError for any other. */
export function ternaryValues(
  stored: LoadedTensor,
  [outputs, inputs]: readonly [number, number],
  file: string,
): { readonly values: Int8Array } {
  return { values: stored.dtype === 'u8' ? unpacked(stored, outputs, inputs, file) : plain(stored, file) };
}

/**
 * What the numbers -1, 0, 1 are multiplied by so that `ternarize` finds them and the scale: weights of which a share is
 * not zero have a mean magnitude of that share.
 */
export function ternaryMagnitude(values: Int8Array, scale: number): number {
  let nonZero = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) nonZero++;
  return nonZero === 0 ? 0 : (scale * values.length) / nonZero;
}

function unpacked(stored: LoadedTensor, outputs: number, inputs: number, file: string): Int8Array {
  try {
    return unpackHfBitnet(stored.data as Uint8Array, outputs, inputs);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw ternaryError('value', file, stored.name, `is no packed ternary matrix: ${why}`, '', error);
  }
}

function plain(stored: LoadedTensor, file: string): Int8Array {
  const values = new Int8Array(stored.data.length);
  eachPiece(stored, (start, piece) => {
    for (const [i, value] of piece.entries()) {
      if (value !== -1 && value !== 0 && value !== 1) {
        const what = `must hold -1, 0 and 1, got ${value} at index ${start + i}`;
        const hint = 'weights that are not rounded yet have "quantization_mode": "online"';
        throw ternaryError('value', file, stored.name, what, hint);
      }
      values[start + i] = value;
    }
  });
  return values;
}

/** How much farther from 1 the declared reading of the scales must be than the other to be surely wrong. */
const SURELY_WRONG = 100;

/**
 * Compares both readings of the scales. A matrix of n inputs of unit size gives outputs of about scale · √(2n/3), near
 * 1 in a trained model; read the wrong way round they come out off by the square of the scale. (In BitNet b1.58 2B4T the
 * scales are about 1.6, so that both readings are plausible and the file's word is taken.) Throws FormatError.
 */
export function requirePlausibleScales(
  scales: ReadonlyMap<string, number>,
  shapes: ReadonlyMap<string, Shape>,
  declared: TernaryScale,
  file: string,
): void {
  let [asDeclared, otherwise] = [0, 0];
  for (const [name, scale] of scales) {
    const spread = Math.log((2 * shapes.get(name)![1]!) / 3) / 2;
    asDeclared += (spread + Math.log(scale)) / scales.size;
    otherwise += (spread - Math.log(scale)) / scales.size;
  }
  if (Math.abs(asDeclared) <= Math.abs(otherwise) + Math.log(SURELY_WRONG)) return;
  const [name] = scales.keys();
  const size = (logarithm: number): string => Math.exp(logarithm).toPrecision(2);
  const other = declared === 'multiplies' ? 'divides ("bitlinear")' : 'multiplies ("autobitlinear")';
  const what = `and its like make outputs about ${size(asDeclared)} times the inputs where the scale ${declared}, ${size(otherwise)} times where it ${other}`;
  throw ternaryError('value', file, `${name}_scale`, what, 'correct "linear_class" in config.json');
}

function ternaryError(
  code: FormatError['code'],
  file: string,
  tensor: string,
  what: string,
  hint: string,
  cause?: unknown,
): FormatError {
  const message = `[load] ${file}: tensor "${tensor}" ${what}${hint && `; ${hint}`}`;
  return new FormatError(code, message, { file, tensor, cause });
}

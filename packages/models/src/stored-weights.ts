/**
 * The weights of a checkpoint as they are stored elsewhere, tensor by tensor and without a device: unchanged, or with linear
 * layers rounded to ternary numbers, four to a byte or multiplied by their scale. What is not ternary keeps dtype and bits.
 */
import type { LoadedTensor, TensorStore, TensorToWrite } from '@qsparse/formats';
import { toFloats } from '@qsparse/formats';
import { type DecoderConfig, decoderParams, isLinearWeight } from '@qsparse/layers';
import { encodeTernary, packHfBitnet } from '@qsparse/quantizers';
import { type CheckpointOptions, checkWeights, scaleOf } from './checkpoint.ts';
import { effectiveScale, ternaryMagnitude, ternaryValues } from './stored-ternary.ts';

/**
 * - `latent`: what training goes on from: floats as they are; of weights that were rounded before, floats that round to them;
 * - `rounded`: linear layers as scale times -1, 0, 1: what a ternary model computes with;
 * - `packed`: linear layers as uint8 [outputs / 4, inputs] of Hugging Face's layout, and `NAME_scale` f32 [1], which
 *   multiplies. Outputs must be divisible by 4.
 */
export type WeightForm = 'latent' | 'rounded' | 'packed';

export interface StoredWeightsOptions extends CheckpointOptions {
  /** Default `latent`. */
  readonly form?: WeightForm | undefined;
}

/**
 * For a writer, which reads each tensor when it comes to it. The store stays open until then. Throws FormatError where the
 * store does not hold the weights of `config`.
 */
export function storedWeights(
  config: DecoderConfig,
  store: TensorStore,
  { ternaryScale, form = 'latent' }: StoredWeightsOptions = {},
): TensorToWrite[] {
  checkWeights(config, store, { ternaryScale });
  return decoderParams(config).flatMap(({ name, shape }): TensorToWrite[] => {
    const isTernary = isLinearWeight(name) && (ternaryScale !== undefined || form !== 'latent');
    if (!isTernary) {
      const { dtype } = store.tensors.get(name)!;
      return [{ name, dtype, shape, data: async () => (await store.read(name)).data }];
    }
    const matrix = shape as readonly [number, number];
    const read = () => readTernary(store, name, matrix, ternaryScale);
    if (form !== 'packed') {
      const data = async () => floatsOf(await read(), form);
      return [{ name, dtype: 'f32', shape, data }];
    }
    const [outputs, inputs] = matrix;
    const bytes = async () => packHfBitnet((await read()).values, outputs, inputs);
    return [
      { name, dtype: 'u8', shape: [Math.ceil(outputs / 4), inputs], data: bytes },
      {
        name: scaleOf(name),
        dtype: 'f32',
        shape: [1],
        data: async () => Float32Array.of((await read()).scale),
      },
    ];
  });
}

interface Ternary {
  readonly values: Int8Array;
  readonly scale: number;
}

/** Stored as such, or rounded here as `ternarize` rounds. */
export async function readTernary(
  store: TensorStore,
  name: string,
  shape: readonly [number, number],
  ternaryScale: CheckpointOptions['ternaryScale'],
): Promise<Ternary> {
  const stored: LoadedTensor = await store.read(name);
  if (!ternaryScale) return encodeTernary(toFloats(stored));
  const scale = effectiveScale(await store.read(scaleOf(name)), ternaryScale, store.name);
  return { values: ternaryValues(stored, shape, store.name).values, scale };
}

function floatsOf({ values, scale }: Ternary, form: 'latent' | 'rounded'): Float32Array {
  const magnitude = form === 'rounded' ? scale : ternaryMagnitude(values, scale);
  return Float32Array.from(values, (value) => value * magnitude);
}

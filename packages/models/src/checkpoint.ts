/** Weights of a decoder from and to a tensor store; names and shapes must match exactly, in both directions. */
import { sameShape, showShape, write } from '@qsparse/core';
import { FormatError, nearestName, type TensorStore, type TensorToWrite, toFloat32 } from '@qsparse/formats';
import { type Decoder, type DecoderConfig, decoderParams } from '@qsparse/layers';

/**
 * Fills every parameter, one tensor at a time, from f32, bf16, f16 or f64. Throws FormatError naming the first tensor
 * that is missing, extra, misshapen or of another dtype, before any parameter has changed.
 */
export async function loadWeights(model: Decoder, store: TensorStore, signal?: AbortSignal): Promise<void> {
  checkWeights(model.config, store);
  for (const [name, param] of model.arena.params) {
    const loaded = await store.read(name, signal);
    // A device that holds float64 takes it unrounded.
    const values = loaded.dtype === 'f64' ? (loaded.data as Float64Array) : toFloat32(loaded);
    write(param, values);
  }
}

const FLOATS = ['f32', 'bf16', 'f16', 'f64'];

/** What `loadWeights` checks, before any memory is taken for the model. Throws FormatError. */
export function checkWeights(config: DecoderConfig, store: TensorStore): void {
  const expected = new Map(decoderParams(config).map(({ name, shape }) => [name, shape]));
  const error = (code: FormatError['code'], tensor: string, problem: string): FormatError => {
    // Names come from a file: JSON keeps them on one line.
    const message = `[load] ${store.name}: tensor ${JSON.stringify(tensor)} ${problem}; check that config.json belongs to these weights`;
    return new FormatError(code, message, { file: store.name, tensor });
  };
  const strange = [...store.tensors.keys()].filter((name) => !expected.has(name));
  for (const [name, shape] of expected) {
    const stored = store.tensors.get(name);
    if (!stored) {
      const near = nearestName(name, strange);
      const found = near ? `, there is ${JSON.stringify(near)}` : '';
      throw error('missing-tensor', name, `${showShape(shape)} is missing${found}`);
    }
    if (!sameShape(stored.shape, shape))
      throw error('shape', name, `must have shape ${showShape(shape)}, got ${showShape(stored.shape)}`);
    if (!FLOATS.includes(stored.dtype))
      throw error('dtype', name, `must be one of ${FLOATS.join(', ')}, got ${stored.dtype}`);
  }
  if (strange[0] !== undefined)
    throw error('unexpected-tensor', strange[0], 'belongs to no parameter of this model');
}

/** Every parameter as f32, read from the device when the writer comes to it. */
export function weightsOf(model: Decoder): TensorToWrite[] {
  return [...model.arena.params].map(([name, param]) => ({
    name,
    dtype: 'f32',
    shape: param.shape,
    data: async () => (await param.data()) as Float32Array,
  }));
}

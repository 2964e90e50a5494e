/** Weights of a decoder from and to a tensor store; names and shapes must match exactly, in both directions. */
import { write } from '@qsparse/core';
import { requireTensors, type TensorStore, type TensorToWrite, toFloats } from '@qsparse/formats';
import { type Decoder, type DecoderConfig, decoderParams } from '@qsparse/layers';

/**
 * Fills every parameter, one tensor at a time, from f32, bf16, f16 or f64. Throws FormatError naming the first tensor
 * that is missing, extra, misshapen or of another dtype, before any parameter has changed.
 */
export async function loadWeights(model: Decoder, store: TensorStore, signal?: AbortSignal): Promise<void> {
  checkWeights(model.config, store);
  // A device that holds float64 takes it unrounded.
  for (const [name, param] of model.arena.params) write(param, toFloats(await store.read(name, signal)));
}

/** What `loadWeights` checks, before any memory is taken for the model. Throws FormatError. */
export function checkWeights(config: DecoderConfig, store: TensorStore): void {
  requireTensors(store, new Map(decoderParams(config).map(({ name, shape }) => [name, shape])), {
    label: 'load',
    dtypes: ['f32', 'bf16', 'f16', 'f64'],
    unexpected: 'belongs to no parameter of this model',
    advice: 'check that config.json belongs to these weights',
  });
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

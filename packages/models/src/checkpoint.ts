/** Weights of a decoder from and to a tensor store; names and shapes must match exactly, in both directions. */
import { sameShape, showShape, write } from '@qsparse/core';
import { FormatError, type TensorStore, type TensorToWrite, toFloat32 } from '@qsparse/formats';
import { type Decoder, decoderParams } from '@qsparse/layers';

/**
 * Fills every parameter, one tensor at a time. Throws FormatError naming the first tensor that is missing, extra or
 * misshapen, before any parameter has changed.
 */
export async function loadWeights(model: Decoder, store: TensorStore, signal?: AbortSignal): Promise<void> {
  const specs = decoderParams(model.config);
  const expected = new Map(specs.map(({ name, shape }) => [name, shape]));
  const fail = (
    code: 'missing-tensor' | 'unexpected-tensor' | 'shape',
    tensor: string,
    text: string,
  ): never => {
    throw new FormatError(
      code,
      `[load] ${store.name}: ${text}; check that config.json belongs to these weights`,
      { file: store.name, tensor },
    );
  };
  for (const [name, shape] of expected) {
    const stored =
      store.tensors.get(name) ??
      fail('missing-tensor', name, `tensor "${name}" ${showShape(shape)} is missing`);
    if (!sameShape(stored.shape, shape)) {
      fail(
        'shape',
        name,
        `tensor "${name}" must have shape ${showShape(shape)}, got ${showShape(stored.shape)}`,
      );
    }
  }
  for (const name of store.tensors.keys()) {
    if (!expected.has(name))
      fail('unexpected-tensor', name, `tensor "${name}" belongs to no parameter of this model`);
  }
  for (const { name } of specs) {
    const loaded = await store.read(name, signal);
    write(
      model.arena.params.get(name)!,
      loaded.dtype === 'f64' ? (loaded.data as Float64Array) : toFloat32(loaded),
    );
  }
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

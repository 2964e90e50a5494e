import { referenceDevice } from '@qsparse/core/reference';
import { FormatError, type TensorToWrite } from '@qsparse/formats';
import { createDecoder } from '@qsparse/layers';
import { checkWeights, loadWeights, parseModelConfig, type TernaryScale } from '@qsparse/models';
import { ternarize } from '@qsparse/quantizers';
import { expect, test } from 'vitest';
import { requirePlausibleScales } from '../src/stored-ternary.ts';
import { BITNET, packed, storeOf, ternaryTensors, toWrite } from './checkpoints.ts';

const { decoder } = parseModelConfig({
  ...BITNET,
  quantization_config: { quant_method: 'bitnet', linear_class: 'autobitlinear' },
});
const DOWN = 'model.layers.1.mlp.down_proj.weight';

/** A packed checkpoint with one tensor changed, or left out. */
async function loadChanged(
  name: string,
  change: (tensor: TensorToWrite) => TensorToWrite | undefined,
  ternaryScale: TernaryScale | undefined = 'multiplies',
) {
  const tensors = [...ternaryTensors(BITNET, 'multiplies')].map(([key, stored]): TensorToWrite => {
    if (!key.endsWith('_proj.weight')) return toWrite(key, stored);
    const [rows = 0, width = 0] = stored.shape;
    return { name: key, shape: [rows / 4, width], dtype: 'u8', data: packed(stored) };
  });
  const store = await storeOf(tensors.flatMap((one) => (one.name === name ? (change(one) ?? []) : one)));
  const device = referenceDevice();
  const model = createDecoder(device, decoder);
  await loadWeights(model, store, { ternaryScale });
  return { model, device };
}

test('each matrix rounds to what is stored, with the stored scale', async () => {
  const { model, device } = await loadChanged('', () => undefined);
  const tensors = ternaryTensors(BITNET, 'multiplies');
  for (const [name, param] of model.arena.params) {
    if (!name.endsWith('_proj.weight')) continue;
    const { y, alpha } = ternarize(param);
    const [scale = 0] = device.values(alpha);
    expect(scale).toBeCloseTo(tensors.get(`${name}_scale`)!.data[0]!, 12);
    expect([...device.values(y)].map((value) => Math.round(value / scale) + 0)).toEqual(
      Array.from(tensors.get(name)!.data, (value) => value + 0),
    );
  }
});

test('a matrix of zeros stays one', async () => {
  const { model, device } = await loadChanged(
    DOWN,
    (tensor) =>
      ({
        ...tensor,
        data: (tensor.data as Uint8Array<ArrayBuffer>).slice().fill(0b01010101),
      }) as TensorToWrite,
  );
  expect(new Set(device.values(model.arena.params.get(DOWN)!))).toEqual(new Set([0]));
});

const float = (name: string, shape: number[], value: number): TensorToWrite => ({
  name,
  shape,
  dtype: 'f32',
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
});

test('a scale may be a scalar', async () => {
  await expect(loadChanged(`${DOWN}_scale`, ({ name }) => float(name, [], 0.2))).resolves.toBeDefined();
});

test.each<[string, string, (tensor: TensorToWrite) => TensorToWrite | undefined, string]>([
  ['no scale', `${DOWN}_scale`, () => undefined, `"${DOWN}_scale" [1] is missing`],
  ['a scale of zero', `${DOWN}_scale`, ({ name }) => float(name, [1], 0), 'must be a positive number, got 0'],
  ['a negative scale', `${DOWN}_scale`, ({ name }) => float(name, [1], -2), 'got -2'],
  ['a scale that is NaN', `${DOWN}_scale`, ({ name }) => float(name, [1], Number.NaN), 'got NaN'],
  ['scales of rows', `${DOWN}_scale`, ({ name }) => float(name, [16], 1), 'must have shape [1], got [16]'],
  ['no weight', DOWN, () => undefined, `"${DOWN}" [16, 24] is missing`],
  [
    'numbers that are not ternary',
    DOWN,
    ({ name }) => float(name, [16, 24], 0.5),
    'must hold -1, 0 and 1, got 0.5 at index 0; weights that are not rounded yet',
  ],
  [
    'packed rows of another number',
    DOWN,
    ({ name }) => ({ name, shape: [5, 24], dtype: 'u8', data: new Uint8Array(120) }),
    'must have shape [4, 24], got [5, 24]',
  ],
  [
    'a code that stands for nothing',
    DOWN,
    ({ name, shape }) => ({ name, shape, dtype: 'u8', data: new Uint8Array(96).fill(255) }),
    'is no packed ternary matrix: [unpackHfBitnet] codes must be 0, 1 or 2, got 3',
  ],
])('%s: the tensor is named', async (_, name, change, message) => {
  const error = await loadChanged(name, change).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).not.toContain('\n');
});

test('without a quantization_config packed weights are refused by name and shape', async () => {
  const packedStore = await storeOf(
    [...ternaryTensors(BITNET, 'divides')].map(([name, stored]) => toWrite(name, stored)),
  );
  expect(() => checkWeights(decoder, packedStore)).toThrow('belongs to no parameter of this model');
});

/** Scales of a model of this width whose latent weights have this mean magnitude, as a file of each kind stores them. */
const scalesOf = (magnitude: number, width: number, kind: TernaryScale, declared: TernaryScale) => {
  const stored = kind === 'multiplies' ? magnitude : 1 / magnitude;
  const names = ['a', 'b', 'c'];
  return [
    new Map(names.map((name) => [name, declared === 'multiplies' ? stored : 1 / stored])),
    new Map(names.map((name) => [name, [width, width]])),
    declared,
    'model.safetensors',
  ] as const;
};
const KINDS = ['multiplies', 'divides'] as const;

test.each([
  [0.02, 4096],
  [0.05, 1024],
  [0.008, 8192],
])(
  'mean magnitude %d in a model of width %d: the wrong reading is refused, the right one never',
  (magnitude, width) => {
    for (const kind of KINDS) {
      const other = kind === 'multiplies' ? 'divides' : 'multiplies';
      expect(() => requirePlausibleScales(...scalesOf(magnitude, width, kind, kind))).not.toThrow();
      const wrong = () => requirePlausibleScales(...scalesOf(magnitude, width, kind, other));
      expect(wrong).toThrow(FormatError);
      expect(wrong).toThrow(/tensor "a_scale" and its like make outputs about .* correct "linear_class"/);
    }
  },
);

test('scales near 1, as BitNet b1.58 2B4T has them, are taken at the word of the file', () => {
  for (const kind of KINDS)
    for (const declared of KINDS)
      for (const width of [2560, 6912])
        expect(() => requirePlausibleScales(...scalesOf(1.6, width, kind, declared))).not.toThrow();
});

test('a whole checkpoint of the other kind is refused before anything has changed', async () => {
  // Wide enough for a conclusion: in a model of width n the readings differ by 2n/3 at most.
  const config = { ...BITNET, hidden_size: 256, intermediate_size: 256, num_hidden_layers: 1 };
  const tiny = [...ternaryTensors(config, 'multiplies')].map(([name, stored]) =>
    name.endsWith('_scale') ? float(name, [1], 0.004) : toWrite(name, stored),
  );
  const model = createDecoder(referenceDevice(), parseModelConfig(config).decoder);
  const load = loadWeights(model, await storeOf(tiny), { ternaryScale: 'divides' });
  await expect(load).rejects.toThrow('where the scale divides');
  expect(new Set(await model.arena.values.data())).toEqual(new Set([0]));
});

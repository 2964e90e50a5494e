import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noGrad, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { openSafetensors, type TensorStore, toFloats } from '@qsparse/formats';
import {
  huggingFaceStore,
  openGguf,
  parseLlamaMetadata,
  parseTokenizerMetadata,
} from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import { type Decoder, type DecoderConfig, logits } from '@qsparse/layers';
import { loadPretrained } from '@qsparse/models';
import { unpackHfBitnet } from '@qsparse/quantizers';
import { folderFiles, readModelConfig } from 'qsparse/node';
import { afterAll, expect, test } from 'vitest';
import { cli, SMALL, temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let made = 0;
const free = (): string => join(folder.path, `out-${made++}`);
const published = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/hugging-face/${name}`, import.meta.url));
const device = referenceDevice();

async function scoresOf(model: Decoder): Promise<number[]> {
  const ids = tensor(device, [1, 5, 9, 33, 7, 2, 11, 200], [1, 8], 'i32');
  return Array.from(await noGrad(() => logits(model, ids)).data());
}

async function logitsOf(path: string, change: (config: DecoderConfig) => DecoderConfig = (config) => config) {
  const { model } = await loadPretrained(folderFiles(path), device);
  model.config = change(model.config);
  return scoresOf(model);
}

async function bytesOf(store: TensorStore): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const name of [...store.tensors.keys()].sort()) {
    const { data } = await store.read(name);
    found.set(name, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  await store.close();
  return found;
}
const weightsIn = async (path: string) =>
  bytesOf(await openSafetensors(await openFileReader(join(path, 'model.safetensors'))));

async function exported(
  ...argv: readonly string[]
): Promise<{ readonly what: string; readonly path: string }> {
  const path = argv.includes('gguf') ? `${free()}.gguf` : free();
  const [model, ...options] = argv;
  const { code, out, err } = await cli('export', model!, path, ...options, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return { path, ...JSON.parse(out) };
}

/** A model of this project: a published one, converted. */
async function converted(name: string, ...options: readonly string[]): Promise<string> {
  const path = free();
  expect((await cli('convert', published(name), path, ...options)).code).toBe(0);
  return path;
}

test.each([
  ['hf-llama', 'LlamaForCausalLM'],
  ['hf-llama3-scaled-rope', 'LlamaForCausalLM'],
  ['hf-mistral', 'MistralForCausalLM'],
  ['hf-qwen2', 'Qwen2ForCausalLM'],
  ['hf-qwen3', 'Qwen3ForCausalLM'],
  ['hf-bitnet', 'BitNetForCausalLM'],
])(
  '%s, as a Q-Sparse model, exports as %s: same config, weights bit by bit, logits',
  async (name, architecture) => {
    const { what, path } = await exported(await converted(name), '--format', 'safetensors');
    expect(what).toBe(`${architecture} of transformers, full weights`);
    const { family, decoder } = await readModelConfig(path);
    const original = await readModelConfig(published(name));
    expect({ family, decoder }).toEqual({ family: original.family, decoder: original.decoder });
    expect(await weightsIn(path)).toEqual(await weightsIn(published(name)));
  },
);

test.each([
  ['hf-bitnet', 'BitNetForCausalLM'],
  ['hf-llama', 'LlamaForCausalLM'],
])(
  '%s, ternary: unpacked as %s with its weights, packed with what they round to',
  async (name, architecture) => {
    const ternary = await converted(name, '--weights', 'ternary');
    const plain = await exported(ternary, '--format', 'safetensors');
    expect(plain.what).toBe(`${architecture} of transformers, ternary weights`);
    expect(await weightsIn(plain.path)).toEqual(await weightsIn(ternary));
    const expected = await logitsOf(ternary);
    expect(await logitsOf(plain.path)).toEqual(expected);

    const packed = await exported(ternary, '--format', 'safetensors', '--packed');
    const weights = await weightsIn(packed.path);
    const scales = [...(await weightsIn(published(name))).keys()].filter((each) =>
      /_proj\.weight$/.test(each),
    );
    // What transformers' own file has, and one scale for each linear layer.
    expect([...weights.keys()].sort()).toEqual(
      [...(await weightsIn(published(name))).keys(), ...scales.map((each) => `${each}_scale`)].sort(),
    );
    const one = weights.get('model.layers.0.mlp.down_proj.weight')!;
    expect(one.length).toBe((32 * 64) / 4);
    // A stored scale is float32, the sums are float64: some inputs may round to the other int8 level.
    const scores = await logitsOf(packed.path);
    const largest = Math.max(...expected.map(Math.abs));
    for (const [i, score] of scores.entries())
      expect(Math.abs(score - expected[i]!)).toBeLessThan(0.02 * largest);

    // Through our own format or not: the same bytes again.
    expect(
      await weightsIn((await exported(packed.path, '--format', 'safetensors', '--packed')).path),
    ).toEqual(weights);
    const through = free();
    expect((await cli('convert', packed.path, through)).code).toBe(0);
    expect(await weightsIn((await exported(through, '--format', 'safetensors', '--packed')).path)).toEqual(
      weights,
    );
  },
);

test('what transformers cannot compute is refused, and written only on request', async () => {
  const sparse = await converted('hf-llama', '--sparsity', '0.5');
  const out = free();
  const refused = await cli('export', sparse, out, '--format', 'safetensors');
  expect(refused).toMatchObject({
    code: 2,
    err: expect.stringContaining('there is no selection of the largest'),
  });
  expect(existsSync(out)).toBe(false);
  const { path } = await exported(sparse, '--format', 'safetensors', '--allow-dense');
  expect(await logitsOf(path)).toEqual(await logitsOf(published('hf-llama')));
});

test('a Q-Sparse folder keeps selection and ternary weights, packed, and gives the same numbers', async () => {
  const sparse = await converted('hf-llama', '--sparsity', '0.5', '--weights', 'ternary');
  const { path } = await exported(sparse, '--format', 'qsparse');
  expect((await readModelConfig(path)).decoder).toEqual((await readModelConfig(sparse)).decoder);
  const packed = await openSafetensors(await openFileReader(join(path, 'model.safetensors')));
  expect(packed.tensors.get('model.layers.0.mlp.up_proj.weight')?.dtype).toBe('u8');
  await packed.close();
  const [got, wanted] = [await logitsOf(path), await logitsOf(sparse)];
  for (const [i, value] of got.entries()) expect(value).toBeCloseTo(wanted[i]!, 4);
});

test('a Q-Sparse folder of full weights keeps them as they are', async () => {
  const sparse = await converted('hf-llama', '--sparsity', '0.5');
  const { path } = await exported(sparse, '--format', 'qsparse');
  expect(await weightsIn(path)).toEqual(await weightsIn(sparse));
});

test.each(['hf-llama', 'hf-llama3-scaled-rope', 'hf-qwen2', 'hf-qwen3'])(
  '%s as GGUF: its weights, bit by bit',
  async (name) => {
    const { path } = await exported(published(name), '--format', 'gguf', '--type', 'F32');
    const file = await openGguf(await openFileReader(path));
    const { decoder } = await readModelConfig(published(name));
    expect(parseLlamaMetadata(file.metadata)).toMatchObject({
      architecture: name.startsWith('hf-llama') ? 'llama' : name.slice(3),
      layers: decoder.layers,
      contextLength: decoder.contextLength,
      ropeTheta: decoder.ropeTheta,
    });
    expect(file.tensors.has('rope_freqs.weight')).toBe(name === 'hf-llama3-scaled-rope');
    expect(await bytesOf(huggingFaceStore(file))).toEqual(await weightsIn(published(name)));
    const back = await exported(path, '--format', 'safetensors');
    expect(await weightsIn(back.path)).toEqual(await weightsIn(published(name)));
  },
);

test('a trained ternary model as GGUF in two bits, with its tokenizer', async () => {
  const run = join(folder.path, 'run');
  const settings = [
    ...SMALL,
    ...[
      '--tokenizer',
      'bpe',
      '--vocabulary',
      '300',
      '--sparsity',
      '0',
      '--width',
      '256',
      '--feed-forward',
      '256',
    ],
  ];
  const trained = await cli(
    'train',
    ...settings,
    '--steps',
    '1',
    '--data',
    writeText(folder.path),
    '--out',
    run,
  );
  expect(trained).toMatchObject({ code: 0 });
  const { what, path } = await exported(run, '--format', 'gguf', '--allow-dense');
  expect(what).toBe('bitnet-b1.58 of llama.cpp, TQ2_0 weights');
  const file = await openGguf(await openFileReader(path));
  expect(file.tensors.get('blk.0.ffn_down.weight')).toMatchObject({ type: 'TQ2_0', byteLength: 256 * 66 });
  expect(parseTokenizerMetadata(file.metadata)).toMatchObject({ pre: 'gpt-2' });
  // The integers are those that the packed export holds, the scales theirs in float16.
  const packed = await exported(run, '--format', 'safetensors', '--packed');
  const expected = await openSafetensors(await openFileReader(join(packed.path, 'model.safetensors')));
  const actual = huggingFaceStore(file, { ternary: 'integer' });
  for (const name of expected.tensors.keys()) {
    if (!name.endsWith('_scale')) continue;
    const [wanted] = toFloats(await expected.read(name));
    expect(toFloats(await actual.read(name))[0]! / wanted!).toBeCloseTo(1, 3);
    const matrix = name.slice(0, -'_scale'.length);
    const { data, shape } = await expected.read(matrix);
    const [quarter = 0, width = 0] = shape;
    const values = unpackHfBitnet(data as Uint8Array, 4 * quarter, width);
    expect((await actual.read(matrix)).data).toEqual(values);
  }
  await expected.close();
  await file.close();

  // Read as a model it says what the folder says.
  const say = async (model: string) => {
    const words = [
      '--prompt',
      'The river',
      '--temperature',
      '0',
      '--max-tokens',
      '12',
      '--device',
      'reference',
    ];
    const { code, out, err } = await cli('generate', model, ...words, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out).text;
  };
  const float = await exported(run, '--format', 'gguf', '--type', 'F32', '--allow-dense');
  expect(await say(path)).toBe(await say(run));
  const folderOfIt = free();
  expect((await cli('convert', path, folderOfIt)).code).toBe(0);
  expect(await say(folderOfIt)).toBe(await say(run));
  expect((await say(float.path)).length).toBeGreaterThan(0);
}, 60_000);

test.each<[readonly string[], number, string]>([
  [['hf-llama', '--format', 'onnx'], 2, '--format safetensors, gguf or qsparse is required, got "onnx"'],
  [['hf-llama', '--format', 'qsparse', '--packed'], 2, '--type and --packed are not for --format qsparse'],
  [['hf-llama'], 2, '--format safetensors, gguf or qsparse is required'],
  [['hf-llama', '--format', 'safetensors', '--packed'], 1, 'packed weights must be ternary'],
  [['hf-llama', '--format', 'safetensors', '--type', 'F16'], 2, '--type is for --format gguf'],
  [['hf-llama', '--format', 'gguf', '--packed'], 2, '--packed is for --format safetensors'],
  [['hf-llama', '--format', 'gguf', '--type', 'Q3_K'], 2, '--type must be one of F32, F16, BF16'],
  [
    ['hf-llama', '--format', 'gguf', '--type', 'TQ1_0'],
    1,
    'TQ1_0 holds ternary weights, those of this model are full',
  ],
  [['hf-mistral', '--format', 'gguf'], 2, 'attention reaches beyond the sliding window of 16 tokens'],
  [['hf-mistral', '--format', 'gguf'], 2, 'Give --context-length 16 for texts within the window, or --allow'],
  [['hf-mistral', '--format', 'gguf', '--context-length', '17'], 2, 'sliding window of 16 tokens'],
  [['hf-llama', '--format', 'gguf', '--context-length', '200'], 1, 'a whole number from 1 to 128, got 200'],
])('%j is refused', async ([name, ...options], code, message) => {
  const out = free();
  const ended = await cli('export', published(name!), out, ...options);
  expect(ended).toMatchObject({ code, err: expect.stringContaining(message) });
  expect(existsSync(out)).toBe(false);
});

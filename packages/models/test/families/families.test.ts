import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noGrad, scope, tensor, write } from '@qsparse/core';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';
import { bytesReader, formatConfig, type JsonObject, openSafetensors } from '@qsparse/formats';
import { createCache, type Decoder, logits, setSparsity } from '@qsparse/layers';
import { FAMILIES, loadPretrained } from '@qsparse/models';
import { describe, expect, test } from 'vitest';
import {
  BITNET,
  CONFIGS,
  fileOf,
  memoryFiles,
  packed,
  randomTensors,
  TERNARY,
  ternaryTensors,
  toWrite,
} from '../checkpoints.ts';
import { type PlainModel, type PlainTensor, plainLogits } from '../plain-transformer.ts';

const fixtures = fileURLToPath(new URL('../../../../apps/cli/test/fixtures', import.meta.url));
const pretrained = join(fixtures, 'hugging-face');
const device: ReferenceDevice = referenceDevice();
const text = Array.from({ length: 14 }, (_, i) => (11 * i + 3) % 29);

async function load(config: JsonObject, weights: Uint8Array): Promise<Decoder> {
  const files = memoryFiles({ 'config.json': formatConfig(config), 'model.safetensors': weights });
  return (await loadPretrained(files, device)).model;
}

const save = (tensors: ReadonlyMap<string, PlainTensor>) =>
  fileOf([...tensors].map(([name, stored]) => toWrite(name, stored)));

/** Logits of one text, all tokens at once. */
function atOnce(model: Decoder, tokens: readonly number[]): Float64Array {
  const ids = tensor(device, tokens, [1, tokens.length], 'i32');
  return device.values(noGrad(() => logits(model, ids)));
}

function expectClose(actual: Float64Array, expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (const [i, value] of expected.entries()) worst = Math.max(worst, Math.abs(value - actual[i]!));
  expect(worst).toBeLessThan(tolerance);
  expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1);
}

test('every family has a config here', () => {
  const tested = new Set(Object.values(CONFIGS).map(({ model_type }) => model_type));
  for (const { modelType } of FAMILIES) if (modelType !== 'qsparse') expect(tested).toContain(modelType);
});

/** Weights of a golden folder, and its first row of tokens with their logits. */
async function openGolden(folder: string) {
  const read = async (file: string) => openSafetensors(bytesReader(readFileSync(join(folder, file)), file));
  const [weights, golden] = [await read('model.safetensors'), await read('golden.safetensors')];
  const tensors = new Map<string, PlainTensor>();
  for (const name of weights.tensors.keys()) tensors.set(name, (await weights.read(name)) as PlainTensor);
  const { data, shape } = await golden.read('logits');
  const [, length = 0, width = 0] = shape;
  const { data: tokens } = await golden.read('tokens');
  return {
    tensors,
    tokens: [...(tokens as Int32Array)].slice(0, length),
    logits: [...(data as Float32Array)].slice(0, length * width),
  };
}

test.each(readdirSync(pretrained))(
  'the plain transformer gives the logits of transformers: %s',
  async (name) => {
    const config = JSON.parse(readFileSync(join(pretrained, name, 'config.json'), 'utf8')) as JsonObject;
    const { tensors, tokens, logits: expected } = await openGolden(join(pretrained, name));
    const actual = plainLogits({ config, tensors }, tokens).flat();
    expectClose(Float64Array.from(actual), expected, 1e-4);
  },
);

test('and those of ternary weights with int8 activations by another implementation', async () => {
  const folder = join(fixtures, 'goldens/qsparse-ternary');
  const { config } = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as { config: JsonObject };
  expect(config.weight_bits).toBe('1.58');
  const { tensors, tokens, logits: expected } = await openGolden(folder);
  const actual = plainLogits({ config, tensors, ternary: 'online' }, tokens).flat();
  expectClose(Float64Array.from(actual), expected, 1e-5);
});

describe.each(Object.entries(CONFIGS))('%s', (_, config) => {
  const tensors = randomTensors(config);

  test('gives the logits of the plain transformer, with biases and norms that are not 0 and 1', async () => {
    const model = await load(config, await save(tensors));
    expectClose(atOnce(model, text), plainLogits({ config, tensors }, text).flat(), 1e-9);
    model.dispose();
  });

  test('token by token gives what all at once gives, sparse and ternary too', async () => {
    const model = await load(config, await save(tensors));
    for (const [weights, activations] of [
      ['full', 'full'],
      ['ternary', 'int8'],
    ] as const) {
      model.config = { ...model.config, linear: { ...model.config.linear, weights, activations } };
      for (const sparsity of [
        { kind: 'dense' },
        { kind: 'top-k', sparsity: 0.6 },
        { kind: 'block', keep: 4, block: 8 },
      ] as const) {
        setSparsity(model, sparsity);
        const whole = atOnce(model, text);
        const cache = createCache(model, 1, text.length);
        for (const [at, token] of text.entries()) {
          write(cache.position, [at]);
          const step = noGrad(() =>
            scope(() => logits(model, tensor(device, [token], [1, 1], 'i32'), { cache })),
          );
          expectClose(device.values(step), [...whole.subarray(at * 29, (at + 1) * 29)], 1e-9);
          step.dispose();
        }
        cache.dispose();
      }
    }
    model.dispose();
  });
});

describe('ternary checkpoints', () => {
  const quantized = (kind: keyof typeof TERNARY, config = BITNET): JsonObject => ({
    ...config,
    quantization_config: TERNARY[kind],
  });
  const llama = { ...CONFIGS['llama, biases, tied']!, tie_word_embeddings: false };

  test.each<[string, JsonObject, 'multiplies' | 'divides']>([
    ['bitnet, scale multiplies', BITNET, 'multiplies'],
    ['bitnet, scale divides', BITNET, 'divides'],
    ['llama with biases, scale divides', llama, 'divides'],
  ])('%s: packed, as bf16 and as int8 numbers give the plain logits', async (_, base, kind) => {
    const config = quantized(kind, base);
    const tensors = ternaryTensors(config, kind);
    const plain: PlainModel = { config, tensors, ternary: kind };
    const expected = plainLogits(plain, text).flat();
    const isTernary = (name: string) => name.endsWith('_proj.weight');
    const forms = {
      packed: (name: string, stored: PlainTensor) => ({
        name,
        shape: [stored.shape[0]! / 4, stored.shape[1]!],
        dtype: 'u8' as const,
        data: packed(stored),
      }),
      bf16: (name: string, stored: PlainTensor) => toWrite(name, stored, 'bf16'),
      int8: (name: string, { shape, data }: PlainTensor) => ({
        name,
        shape,
        dtype: 'i8' as const,
        data: Int8Array.from(data),
      }),
    };
    for (const form of Object.values(forms)) {
      const weights = await fileOf(
        [...tensors].map(([name, stored]) => (isTernary(name) ? form(name, stored) : toWrite(name, stored))),
      );
      const model = await load(config, weights);
      expect(model.config.linear).toMatchObject({ weights: 'ternary', activations: 'int8' });
      // int8 steps are far larger: nothing has rounded the other way.
      expectClose(atOnce(model, text), expected, 1e-6);
      model.dispose();
    }
  });

  test('weights that are rounded when they are used', async () => {
    const config = quantized('online');
    const tensors = randomTensors(config);
    const model = await load(config, await save(tensors));
    expectClose(atOnce(model, text), plainLogits({ config, tensors, ternary: 'online' }, text).flat(), 1e-9);
    model.dispose();
  });
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Device, noGrad, scope, tensor, ValueError } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';
import { type ByteReader, bytesReader, FormatError, type JsonObject } from '@qsparse/formats';
import { decoderParams, logits } from '@qsparse/layers';
import {
  type LoadProgress,
  loadPretrained,
  type ModelFiles,
  parseModelConfig,
  readModelConfig,
} from '@qsparse/models';
import { describe, expect, test } from 'vitest';
import { CONFIGS, fileOf, memoryFiles, randomTensors, toWrite } from './checkpoints.ts';
import { plainLogits } from './plain-transformer.ts';

const text = Array.from({ length: 14 }, (_, i) => (11 * i + 3) % 29);

async function folder(
  config: JsonObject,
  dtype: 'f32' | 'f16' | 'bf16' = 'f32',
): Promise<Record<string, string | Uint8Array>> {
  const tensors = [...randomTensors(config)].map(([name, stored]) => toWrite(name, stored, dtype));
  return { 'config.json': JSON.stringify(config), 'model.safetensors': await fileOf(tensors) };
}

function logitsOf(model: Parameters<typeof logits>[0], device: ReferenceDevice): number[] {
  const scores = noGrad(() => scope(() => logits(model, tensor(device, text, [1, text.length], 'i32'))));
  const values = [...device.values(scores)];
  scores.dispose();
  return values;
}

test.each(['f32', 'f16', 'bf16'] as const)(
  '%s: the model of the folder, its config and the way there',
  async (dtype) => {
    const device = referenceDevice();
    const progress: LoadProgress[] = [];
    const { model, config } = await loadPretrained(memoryFiles(await folder(CONFIGS.qwen3!, dtype)), device, {
      onProgress: (one) => void progress.push(one),
    });
    expect(config.family).toBe('qwen3');
    expect(model.config).toEqual(config.decoder);
    expect(progress.map(({ tensor: name }) => name)).toEqual([...model.arena.params.keys()]);
    const width = dtype === 'f32' ? 4 : 2;
    const bytes = [...model.arena.params.values()].reduce((sum, { size }) => sum + size * width, 0);
    expect(progress.at(-1)).toMatchObject({ bytes, totalBytes: bytes });
    expect(progress[0]!.bytes).toBeLessThan(bytes);
    const expected = plainLogits(
      { config: CONFIGS.qwen3!, tensors: randomTensors(CONFIGS.qwen3!) },
      text,
    ).flat();
    const worst = Math.max(...logitsOf(model, device).map((value, i) => Math.abs(value - expected[i]!)));
    expect(worst).toBeLessThan({ f32: 1e-9, f16: 0.03, bf16: 0.3 }[dtype]);
    model.dispose();
    expect(device.memory().count).toBe(0);
  },
);

test('bf16 is what the model computes in where it is asked for', async () => {
  const { model } = await loadPretrained(memoryFiles(await folder(CONFIGS.qwen3!)), nullDevice(), {
    compute: 'bf16',
  });
  expect(model.compute).toBe('bf16');
});

describe('the context', () => {
  const load = async (config: JsonObject, contextLength: number, device: Device = nullDevice()) =>
    loadPretrained(memoryFiles(await folder(config)), device, { contextLength });

  test('can be shorter than the file says, with the same logits', async () => {
    const device = referenceDevice();
    const { model, config } = await load(CONFIGS['llama, yarn']!, 14, device);
    expect(model.config.contextLength).toBe(14);
    expect(config.decoder).toBe(model.config);
    expect(model.ropeTable.shape[0]).toBe(14);
    const { model: whole } = await load(CONFIGS['llama, yarn']!, 32, device);
    expect(logitsOf(model, device)).toEqual(logitsOf(whole, device));
  });

  test('with dynamic scaling it can be longer, and theta grows as transformers lets it', async () => {
    const device = referenceDevice();
    const config = CONFIGS['llama, dynamic']!;
    const { model } = await load(config, 96, device);
    const [factor, length, original, size] = [4, 96, 32, 4];
    const theta = 10_000 * ((factor * length) / original - (factor - 1)) ** (size / (size - 2));
    const plain = {
      config: { ...config, rope_scaling: undefined, rope_theta: theta },
      tensors: randomTensors(config),
    };
    const expected = plainLogits(plain, text).flat();
    for (const [i, value] of logitsOf(model, device).entries()) expect(value).toBeCloseTo(expected[i]!, 9);
  });

  test.each([0, 33, 1.5, Number.NaN])('of %d tokens is refused', async (length) => {
    await expect(load(CONFIGS.llama!, length)).rejects.toThrow(ValueError);
    await expect(load(CONFIGS.llama!, length)).rejects.toThrow(
      `contextLength must be a whole number from 1 to 32, got ${length}`,
    );
  });
});

test('an abort stops between two tensors, with its own reason, and gives everything back', async () => {
  const device = nullDevice();
  const abort = new AbortController();
  const seen: string[] = [];
  const loading = loadPretrained(memoryFiles(await folder(CONFIGS.llama!)), device, {
    signal: abort.signal,
    onProgress: ({ tensor: name }) => {
      seen.push(name);
      if (seen.length === 3) abort.abort(new Error('enough'));
    },
  });
  await expect(loading).rejects.toThrow('enough');
  expect(seen).toHaveLength(3);
  expect(device.memory().count).toBe(0);
});

test('config and weights that do not belong together: refused before memory is taken, and every file is closed', async () => {
  const files = await folder(CONFIGS.llama!);
  const device = nullDevice();
  let open = 0;
  const counted: ModelFiles = {
    name: 'folder',
    async open(fileName) {
      const reader = await memoryFiles(files).open(fileName);
      if (!reader) return undefined;
      open++;
      return { ...reader, close: async () => void open-- };
    },
  };
  files['config.json'] = JSON.stringify({ ...CONFIGS.llama!, intermediate_size: 32 });
  await expect(loadPretrained(counted, device)).rejects.toThrow('must have shape [32, 16], got [24, 16]');
  files['config.json'] = JSON.stringify(CONFIGS.qwen2!);
  await expect(loadPretrained(counted, device)).rejects.toThrow(FormatError);
  files['config.json'] = '<!doctype html>';
  await expect(loadPretrained(counted, device)).rejects.toThrow('folder/config.json');
  delete files['config.json'];
  await expect(loadPretrained(counted, device)).rejects.toThrow(
    'config.json is required, there is no such file',
  );
  expect({ open, memory: device.memory().peak }).toEqual({ open: 0, memory: 0 });
});

test('a tied model may bring a head, and old files bring tables of angles', async () => {
  const config = CONFIGS['llama, biases, tied']!;
  const tensors = [...randomTensors(config)].map(([name, stored]) => toWrite(name, stored));
  const extra = (name: string, shape: number[]) =>
    toWrite(name, { shape, data: new Array(shape.reduce((a, b) => a * b)).fill(9) });
  const files = (more: ReturnType<typeof extra>) =>
    fileOf([...tensors, more]).then((weights) =>
      memoryFiles({ 'config.json': JSON.stringify(config), 'model.safetensors': weights }),
    );
  for (const more of [
    extra('lm_head.weight', [29, 16]),
    extra('model.layers.0.self_attn.rotary_emb.inv_freq', [2]),
  ])
    await expect(loadPretrained(await files(more), nullDevice())).resolves.toBeDefined();
  await expect(loadPretrained(await files(extra('lm_head.bias', [29])), nullDevice())).rejects.toThrow(
    'tensor "lm_head.bias" belongs to no parameter',
  );
});

test('readModelConfig reads config.json alone', async () => {
  const config = await readModelConfig(memoryFiles({ 'config.json': JSON.stringify(CONFIGS.mistral!) }));
  expect(config).toEqual(parseModelConfig(CONFIGS.mistral!, 'folder/config.json'));
});

describe('host memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const MIB = 2 ** 20;

  /** Bytes in array buffers, all garbage gone. */
  const held = (): number => {
    // The memory of what the first one finds is given back in the background; the second waits for that.
    collect();
    collect();
    return process.memoryUsage().arrayBuffers;
  };

  // Matrices of 4 and 8 MiB (f32) or half of that, and small ones.
  const config: JsonObject = {
    ...CONFIGS.llama!,
    vocab_size: 1024,
    hidden_size: 1024,
    intermediate_size: 2048,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    rms_norm_eps: 1e-5,
  };
  const specs = decoderParams(parseModelConfig(config).decoder);

  /** Shards whose tensors are made when they are read. */
  async function shardFiles(dtype: 'f32' | 'bf16', watch: () => void): Promise<ModelFiles> {
    const width = dtype === 'f32' ? 4 : 2;
    const shardOf = (i: number): string => `shard-${i % 3}.safetensors`;
    const shards = new Map<string, Record<string, unknown>>();
    const ends = new Map<string, number>();
    for (const [i, { name, shape }] of specs.entries()) {
      const file = shardOf(i);
      const start = ends.get(file) ?? 0;
      const end = start + width * shape.reduce((a, b) => a * b, 1);
      ends.set(file, end);
      shards.set(file, {
        ...shards.get(file),
        [name]: { dtype: dtype.toUpperCase(), shape, data_offsets: [start, end] },
      });
    }
    const weight_map = Object.fromEntries(specs.map(({ name }, i) => [name, shardOf(i)]));
    const small = memoryFiles({
      'config.json': JSON.stringify(config),
      'model.safetensors.index.json': JSON.stringify({ metadata: {}, weight_map }),
    });
    return {
      name: 'shards',
      async open(fileName): Promise<ByteReader | undefined> {
        const header = shards.get(fileName);
        if (!header) return small.open(fileName);
        const text = new TextEncoder().encode(JSON.stringify(header));
        const start = new Uint8Array(8 + text.length);
        new DataView(start.buffer).setBigUint64(0, BigInt(text.length), true);
        start.set(text, 8);
        const head = bytesReader(start);
        return {
          name: fileName,
          size: start.length + ends.get(fileName)!,
          async read(offset, length) {
            if (offset + length <= start.length) return head.read(offset, length);
            watch();
            return new Uint8Array(length);
          },
        };
      },
    };
  }

  test.each(['f32', 'bf16'] as const)(
    '%s shards: never more than one tensor and a piece of it',
    async (dtype) => {
      const device = nullDevice();
      const width = dtype === 'f32' ? 4 : 2;
      const sizes = specs.map(({ shape }) => shape.reduce((a, b) => a * b, width));
      const [largest, total] = [Math.max(...sizes), sizes.reduce((a, b) => a + b)];
      let [before, between, during, isNew] = [0, 0, 0, false];
      // Whenever a tensor is read, the one before it is gone; whenever elements are written, there is one.
      const files = await shardFiles(dtype, () => {
        between = Math.max(between, held() - before);
        isNew = true;
      });
      const watched: Device = {
        ...device,
        write(to, from) {
          if (isNew && from.byteLength >= MIB) during = Math.max(during, held() - before);
          isNew = false;
          device.write(to, from);
        },
      };
      before = held();
      const { model } = await loadPretrained(files, watched, { contextLength: 8 });
      expect(total).toBeGreaterThan(8 * largest);
      expect(between).toBeLessThan(MIB / 4);
      expect(during).toBeGreaterThan(largest / 2);
      expect(during).toBeLessThan(largest + 1.5 * MIB);
      model.dispose();
    },
  );
});

import { f32ToBf16, f32ToF16 } from '@qsparse/formats';
import { type GgufTensorOptions, ggufTensors, ggufTensorType } from '@qsparse/formats/gguf';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

const MODEL = { architecture: 'llama', heads: 2, keyValueHeads: 1 } as const;

test.each<[string, number[], GgufTensorOptions, string]>([
  ['blk.0.attn_norm.weight', [256], { type: 'TQ2_0' }, 'F32'],
  ['blk.0.attn_q.bias', [256], { type: 'F16' }, 'F32'],
  ['blk.0.ffn_up.weight', [8, 256], { type: 'TQ2_0' }, 'TQ2_0'],
  ['blk.0.ffn_up.weight', [8, 192], { type: 'TQ2_0' }, 'F16'],
  ['blk.0.ffn_up.weight', [8, 192], { type: 'Q8_0' }, 'Q8_0'],
  ['token_embd.weight', [8, 256], { type: 'TQ1_0' }, 'F16'],
  ['output.weight', [8, 256], { type: 'TQ2_0', embeddingType: 'F32' }, 'F32'],
  ['token_embd.weight', [8, 32], { type: 'TQ2_0', embeddingType: 'Q8_0' }, 'Q8_0'],
  ['token_embd.weight', [8, 256], { type: 'Q8_0' }, 'Q8_0'],
  ['token_embd.weight', [8, 256], { type: 'BF16' }, 'BF16'],
])('%s %j as %j is %s', (name, shape, options, type) => {
  expect(ggufTensorType(name, shape, options)).toBe(type);
});

test('each is read when its turn comes; bits of the same type are taken as they are', async () => {
  const values = Float32Array.from({ length: 8 }, (_, i) => i + 1 / 3);
  const calls: string[] = [];
  const late = (name: string, dtype: 'f32' | 'bf16' | 'f16', data: Float32Array | Uint16Array) => ({
    name: `model.layers.0.mlp.${name}_proj.weight`,
    dtype,
    shape: [2, 4],
    data: async () => {
      calls.push(name);
      return data;
    },
  });
  const tensors = ggufTensors(
    MODEL,
    [
      late('gate', 'bf16', f32ToBf16(values)),
      late('up', 'f16', f32ToF16(values)),
      late('down', 'f32', values),
    ],
    { type: 'BF16' },
  );
  expect(calls).toEqual([]);
  expect(tensors.map(({ name, type }) => [name, type])).toEqual([
    ['blk.0.ffn_gate.weight', 'BF16'],
    ['blk.0.ffn_up.weight', 'BF16'],
    ['blk.0.ffn_down.weight', 'BF16'],
  ]);
  const read = (at: number) => (tensors[at]!.data as () => Promise<unknown>)();
  expect(await read(0)).toEqual(f32ToBf16(values));
  expect(await read(1)).toEqual(values.map(throughF16));
  expect(await read(2)).toEqual(values);
  expect(calls).toEqual(['gate', 'up', 'down']);
});

/** Rounded to the eleven bits of float16. */
function throughF16(value: number): number {
  const unit = 2 ** (Math.floor(Math.log2(value)) - 10);
  return Math.round(value / unit) * unit;
}

test('rows and biases of queries and keys move for Llama alone', async () => {
  const q = {
    name: 'model.layers.0.self_attn.q_proj.bias',
    dtype: 'f32',
    shape: [8],
    data: Float32Array.from({ length: 8 }, (_, i) => i),
  } as const;
  const k = { ...q, name: 'model.layers.0.self_attn.k_proj.bias' };
  const v = { ...q, name: 'model.layers.0.self_attn.v_proj.bias' };
  const read = async (architecture: 'llama' | 'qwen2') =>
    Promise.all(
      ggufTensors({ ...MODEL, architecture }, [q, k, v], { type: 'F32' }).map(async ({ data }) =>
        Array.from((await (data as () => Promise<Float32Array>)()) as Float32Array),
      ),
    );
  const plain = [0, 1, 2, 3, 4, 5, 6, 7];
  expect(await read('qwen2')).toEqual([plain, plain, plain]);
  expect(await read('llama')).toEqual([[0, 2, 1, 3, 4, 6, 5, 7], [0, 4, 1, 5, 2, 6, 3, 7], plain]);
});

test('what llama.cpp has no place for is refused', async () => {
  const tensor = { name: 'model.norm.weight', dtype: 'f32', shape: [1], data: new Float32Array(1) } as const;
  const error = await failure(
    () =>
      ggufTensors(MODEL, [{ ...tensor, name: 'model.layers.0.mlp.up_proj.weight_scale' }], { type: 'F32' }),
    'unexpected-tensor',
  );
  expect(error.tensor).toBe('model.layers.0.mlp.up_proj.weight_scale');
  await failure(
    () => ggufTensors(MODEL, [{ ...tensor, dtype: 'i8', data: new Int8Array(1) }], { type: 'F32' }),
    'dtype',
  );
  const query = { ...tensor, name: 'model.layers.1.self_attn.q_proj.weight', shape: [6, 1] };
  const wrong = await failure(() => ggufTensors(MODEL, [query], { type: 'F32' }), 'shape');
  expect(wrong.message).toContain('"model.layers.1.self_attn.q_proj.weight" to write: rows for 2 heads');
});

import { readFile } from 'node:fs/promises';
import {
  type ByteReader,
  bytesReader,
  DTYPE_NAMES,
  type LoadedTensor,
  openSafetensors,
  toFloat32,
} from '@qsparse/formats';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { rawBytes } from '../helpers/arbitrary-tensors.ts';
import { failure } from '../helpers/outcome.ts';
import { entry, rawFile } from '../helpers/raw-safetensors.ts';

const FIXTURE = new URL('../fixtures/huggingface.safetensors', import.meta.url);

describe("a file of Hugging Face's library", async () => {
  const bytes = new Uint8Array(await readFile(FIXTURE));
  const store = await openSafetensors(bytesReader(bytes, 'huggingface.safetensors'));

  test.each(DTYPE_NAMES)('%s comes out bit for bit', async (dtype) => {
    const tensor = await store.read(`pattern.${dtype}`);
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([2, 3]);
    expect(tensor.data.length).toBe(6);
    const pattern = (i: number) => (dtype === 'bool' ? i % 2 : (37 * i + 11) % 256);
    expect(rawBytes(tensor.data)).toEqual(
      Uint8Array.from({ length: tensor.data.byteLength }, (_, i) => pattern(i)),
    );
  });

  test('values, metadata and odd names', async () => {
    expect((await store.read('known.f32')).data).toEqual(Float32Array.of(1.5, -2, 0.1));
    expect(toFloat32(await store.read('known.f16'))).toEqual(Float32Array.of(1.5, -2));
    expect(await store.read('scalar')).toEqual({
      name: 'scalar',
      dtype: 'i64',
      shape: [],
      data: BigInt64Array.of(-7n),
    });
    expect((await store.read('empty')).data).toEqual(new Float32Array());
    expect((await store.read('\ue000')).data).toEqual(Uint8Array.of(1));
    expect((await store.read('😀 "quoted"\n')).data).toEqual(Uint8Array.of(2));
    expect([...store.metadata]).toEqual([['format', 'pt']]);
    expect(store.name).toBe('huggingface.safetensors');
  });
});

describe('one tensor at a time', () => {
  const file = rawFile(
    `{${entry('layers.0.weight', 'F32', [2], [0, 8])},${entry('b', 'F32', [1], [8, 12])}}`,
    12,
  );

  function watched() {
    const log: string[] = [];
    const inner = bytesReader(file, 'm.safetensors');
    const reader: ByteReader = {
      ...inner,
      read: (offset, length, signal) => {
        log.push(`${length}@${offset}`);
        return inner.read(offset, length, signal);
      },
      close: async () => void log.push('close'),
    };
    return { log, reader };
  }

  test('opening reads the header alone, reading one tensor alone, closing closes', async () => {
    const { log, reader } = watched();
    const store = await openSafetensors(reader);
    const dataStart = file.length - 12;
    expect(log).toEqual(['8@0', `${dataStart - 8}@8`]);
    await store.read('b');
    expect(log.at(-1)).toBe(`4@${dataStart + 8}`);
    await store.close();
    expect(log.at(-1)).toBe('close');
  });

  test('a reader is closed when its file is refused', async () => {
    const { log, reader } = watched();
    await failure(() => openSafetensors({ ...reader, size: file.length + 1 }), 'trailing');
    expect(log.at(-1)).toBe('close');
  });

  test('a tensor that is not there, with the nearest name', async () => {
    const store = await openSafetensors(watched().reader);
    const error = await failure(() => store.read('layer.0.weight'), 'missing-tensor');
    expect(error.message).toContain('tensor "layer.0.weight" is required');
    expect(error.message).toContain('did you mean "layers.0.weight"?');
    expect(error.tensor).toBe('layer.0.weight');
    await failure(() => store.read('__proto__'), 'missing-tensor');
  });

  test('a file that shrinks afterwards, and a signal', async () => {
    const { reader } = watched();
    const store = await openSafetensors({
      ...reader,
      read: async (o, l) => (await reader.read(o, l)).slice(0, o > 8 ? 3 : l),
    });
    await failure(() => store.read('b'), 'truncated');
    const reason = new Error('enough');
    await expect(store.read('b', AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

test('floats become float32, integers are refused by name', async () => {
  const one = (tensor: Pick<LoadedTensor, 'dtype' | 'data'>) => toFloat32({ name: 'w', ...tensor });
  const data = Float32Array.of(1);
  expect(one({ dtype: 'f32', data })).toBe(data);
  expect(one({ dtype: 'bf16', data: Uint16Array.of(0x3f80) })).toEqual(data);
  expect(one({ dtype: 'f16', data: Uint16Array.of(0x3c00) })).toEqual(data);
  expect(one({ dtype: 'f64', data: Float64Array.of(0.1) })).toEqual(Float32Array.of(0.1));
  for (const dtype of ['i8', 'u8', 'i64', 'bool'] as const) {
    const error = await failure(() => one({ dtype, data: new Int8Array(1) }), 'dtype');
    expect(error.message).toContain(`tensor "w" must be f32, bf16, f16 or f64, got ${dtype}`);
  }
});

test('the dtype narrows the type of the data', () => {
  type F32 = Extract<LoadedTensor, { dtype: 'f32' }>;
  expectTypeOf<F32['data']>().toEqualTypeOf<Float32Array<ArrayBuffer>>();
});

import {
  bytesReader,
  memorySink,
  openSafetensors,
  requireTensors,
  toFloats,
  writeSafetensors,
} from '@qsparse/formats';
import { expect, test } from 'vitest';

const RULES = {
  label: 'load',
  dtypes: ['f32', 'f64'],
  unexpected: 'is too many',
  advice: 'look again',
} as const;

async function store(names: readonly string[]) {
  const sink = memorySink();
  const tensors = names.map((name) => ({
    name,
    dtype: 'f64' as const,
    shape: [2],
    data: Float64Array.of(0.1, 2),
  }));
  await writeSafetensors(sink, tensors);
  return openSafetensors(bytesReader(sink.bytes(), 'a.safetensors'));
}

test('exactly the tensors asked for, and nothing is read', async () => {
  const tensors = await store(['w', 'b']);
  const expected = new Map([
    ['w', [2]],
    ['b', [2]],
  ]);
  expect(() => requireTensors(tensors, expected, RULES)).not.toThrow();
});

test.each([
  [
    'missing-tensor',
    ['weigth'],
    { weight: [2] },
    'tensor "weight" [2] is missing, there is "weigth"; look again',
  ],
  ['shape', ['w'], { w: [1, 2] }, 'tensor "w" must have shape [1, 2], got [2]; look again'],
  ['unexpected-tensor', ['w', 'x'], { w: [2] }, 'tensor "x" is too many; look again'],
])('%s', async (code, names, expected, text) => {
  const tensors = await store(names);
  const failure = expect.objectContaining({ code, message: `[load] a.safetensors: ${text}` });
  expect(() => requireTensors(tensors, new Map(Object.entries(expected)), RULES)).toThrow(failure);
});

test('dtypes are named as they are allowed', async () => {
  const tensors = await store(['w']);
  const check = (dtypes: readonly ('f32' | 'bf16' | 'f16')[]) => () =>
    requireTensors(tensors, new Map([['w', [2]]]), { ...RULES, dtypes });
  expect(check(['f32', 'bf16'])).toThrow('must be f32 or bf16, got f64');
  expect(check(['f32', 'bf16', 'f16'])).toThrow('must be one of f32, bf16, f16, got f64');
});

test('toFloats rounds nothing', async () => {
  const tensors = await store(['w']);
  expect(toFloats(await tensors.read('w'))).toEqual(Float64Array.of(0.1, 2));
});

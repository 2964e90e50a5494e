// A valid GGUF file with every kind of value and tensor, for tests that damage it.
import type { GgufTensorToWrite, GgufValue } from '@qsparse/formats/gguf';
import { writtenGguf } from './written-gguf.ts';

const text = (value: string): GgufValue => ({ type: 'string', value });

const METADATA = new Map<string, GgufValue>([
  ['general.architecture', text('llama')],
  ['general.alignment', { type: 'u32', value: 64 }],
  ['k.u8', { type: 'u8', value: 1 }],
  ['k.f32', { type: 'f32', value: 1e-5 }],
  ['k.i64', { type: 'i64', value: -5n }],
  ['k.bool', { type: 'bool', value: true }],
  ['k.numbers', { type: 'array', of: 'i32', value: Int32Array.of(1, -2, 3) }],
  ['k.bools', { type: 'array', of: 'bool', value: Uint8Array.of(1, 0) }],
  ['k.texts', { type: 'array', of: 'string', value: ['a', 'Ġb', '', '字'] }],
  [
    'k.nested',
    { type: 'array', of: 'array', value: [{ type: 'array', of: 'u16', value: Uint16Array.of(7) }] },
  ],
]);

const values = Float32Array.from({ length: 256 }, (_, i) => (i % 3) - 1);

const TENSORS: readonly GgufTensorToWrite[] = [
  ...(['F32', 'F16', 'BF16', 'Q8_0', 'TQ1_0', 'TQ2_0'] as const).map((type) => ({
    name: `blk.0.${type}.weight`,
    type,
    shape: [1, 256],
    data: values,
  })),
  { name: 'packed', type: 'I2_S', shape: [2, 64], data: new Uint8Array(64) },
  { name: 'nibbles', type: 'Q4_0', shape: [32], data: new Uint8Array(18) },
  { name: 'scalar', type: 'F32', shape: [], data: Float32Array.of(1) },
];

/** Its header takes about 1200 bytes. */
export function smallGguf(): Promise<Uint8Array<ArrayBuffer>> {
  return writtenGguf(TENSORS, { metadata: METADATA });
}

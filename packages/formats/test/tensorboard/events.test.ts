/** Bytes that TensorBoard 2.21's own protocol buffers and record writer give for the same events. */
import { FormatError } from '@qsparse/formats';
import { type EventValue, eventFileName, eventFileStart, formatEvent } from '@qsparse/formats/tensorboard';
import { expect, test } from 'vitest';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const VERSION = '1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110';

test('a file begins with its version; one that goes on also says where', () => {
  const time = 1700000000.5;
  expect(hex(eventFileStart({ time }))).toBe(VERSION);
  expect(hex(eventFileStart({ time, resumedAt: 300 }))).toBe(
    `${VERSION}100000000000000095fbfe180900002040fc54d94110ac023a020801b94512a3`,
  );
  expect(eventFileName({ time }, 'host.7')).toBe('events.out.tfevents.1700000000.host.7');
});

test.each<[string, number, number, EventValue[], string]>([
  [
    'scalars, a NaN among them, at a step above 2^32',
    12345678901,
    1700000001.25,
    [
      { kind: 'scalar', tag: 'loss/train', value: 3.25 },
      { kind: 'scalar', tag: 'é', value: Number.NaN },
    ],
    '2f000000000000006d5d1d500900005040fc54d94110b5b8f0fe2d2a1e0a110a0a6c6f73732f747261696e15000050400a090a02c3a9150000c07f330b447a',
  ],
  [
    'text at step 0',
    0,
    2,
    [{ kind: 'text', tag: 'sample', text: 'Once — upon' }],
    '3800000000000000a3797d570900000000000000402a2d0a2b0a0673616d706c6542170807120412020801420d4f6e636520e280942075706f6e4a080a060a047465787483b072fb',
  ],
  [
    'a histogram of one value, and what is not finite',
    1,
    2,
    [{ kind: 'histogram', tag: 'h', values: [2, Number.NaN, 2, Number.POSITIVE_INFINITY, 2] }],
    '5500000000000000d7df0fc109000000000000004010012a480a460a01682a41090000000000000040110000000000000040190000000000000840210000000000001840290000000000002840320800000000000000403a0800000000000008404274062b',
  ],
])('%s', (_, step, time, values, expected) => {
  expect(hex(formatEvent({ step, time, values }))).toBe(expected);
});

test('a histogram puts every value in one of thirty buckets, edges included', () => {
  const values = Float32Array.from({ length: 61 }, (_, i) => i / 30 - 1);
  const bytes = formatEvent({ step: 3, time: 1, values: [{ kind: 'histogram', tag: 'w', values }] });
  const body = new DataView(bytes.buffer, bytes.byteLength - 4 - 240, 240);
  const buckets = Array.from({ length: 30 }, (__, i) => body.getFloat64(8 * i, true));
  expect(buckets.reduce((sum, count) => sum + count)).toBe(61);
  // 60 steps of half a bucket, and the largest value beside them.
  expect(buckets.every((count) => count >= 1 && count <= 3)).toBe(true);
});

test('an empty histogram is one of nothing', () => {
  const bytes = formatEvent({ step: 1, time: 1, values: [{ kind: 'histogram', tag: 'w', values: [] }] });
  expect(hex(bytes)).toContain('3a080000000000000000');
});

test.each([-1, 0.5, Number.NaN, 2 ** 60])('step %d is refused', (step) => {
  expect(() => formatEvent({ step, time: 1, values: [] })).toThrow(FormatError);
});

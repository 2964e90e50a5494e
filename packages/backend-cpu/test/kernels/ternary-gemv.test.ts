/**
 * Sizes that conformance is too slow for: more outputs than fit a thread's scratch, rows that threads share out, and sums
 * beyond 16 bits.
 */
import { cpuDevice } from '@qsparse/backend-cpu';
import { tensor } from '@qsparse/core';
import { channelBytes, compact, packChannelMajor, ternaryGemv } from '@qsparse/quantizers';
import { expect, test } from 'vitest';

const INPUTS = 11;
const weight = (output: number, input: number): number => ((output * 7 + input * 5 + (output >> 4)) % 3) - 1;
const entry = (row: number, input: number): number =>
  input === 0 ? 127 : (input + row) % 4 === 0 ? 0 : ((row * 31 + input * 17) % 255) - 127;

test.each([
  [65_536 + 300, 1],
  [65_536 + 300, 2],
  [70, 7],
  [257, 33],
])('%i outputs of %i rows, however many threads', async (outputs, rows) => {
  const codes = Int8Array.from({ length: outputs * INPUTS }, (_, i) =>
    weight(Math.floor(i / INPUTS), i % INPUTS),
  );
  const bytes = new Int8Array(packChannelMajor(codes, outputs, INPUTS).buffer);
  const x = Array.from({ length: rows * INPUTS }, (_, i) => entry(Math.floor(i / INPUTS), i % INPUTS));
  const expected = Float32Array.from({ length: rows * outputs }, (_, i) => {
    const [row, output] = [Math.floor(i / outputs), i % outputs];
    let sum = 0;
    for (let input = 0; input < INPUTS; input++) sum += entry(row, input) * weight(output, input);
    return sum;
  });
  for (const threads of [1, 2, 3]) {
    for (const simd of ['baseline', 'relaxed'] as const) {
      const device = await cpuDevice({ threads, simd });
      const list = compact(tensor(device, x, [rows, INPUTS]), { int8: true });
      const y = ternaryGemv(list, {
        w: tensor(device, bytes, [INPUTS, channelBytes(outputs)], 'i8'),
        scales: tensor(device, new Float32Array(outputs).fill(1), [outputs]),
      });
      expect(Buffer.compare(Buffer.from((await y.data()).buffer), Buffer.from(expected.buffer))).toBe(0);
      device.dispose();
    }
  }
});

test.each<[string, (input: number) => number, (output: number, input: number) => number]>([
  ['all 127, weights of one sign', () => 127, (output) => (output % 2 ? 1 : -1)],
  ['all -127', () => -127, (output) => (output % 2 ? 1 : -1)],
  ['both signs, half of them turned', (i) => (i % 2 ? 127 : -127), (o, i) => ((o + i) % 2 ? 1 : -1)],
  ['what just fits 16 bits, and one more', (i) => (i < 258 ? 127 : i < 260 ? 1 : 0), () => 1],
  ['small values for long, then large ones', (i) => (i < 2000 ? 16 : 127), () => -1],
])('sums beyond 16 bits stay exact: %s', async (_, value, sign) => {
  const [inputs, outputs] = [2600, 70];
  const values = Int8Array.from({ length: inputs }, (_, i) => value(i));
  const codes = Int8Array.from({ length: outputs * inputs }, (_, i) =>
    sign(Math.floor(i / inputs), i % inputs),
  );
  const bytes = new Int8Array(packChannelMajor(codes, outputs, inputs).buffer);
  const expected = Float32Array.from({ length: outputs }, (_, o) =>
    values.reduce((sum, one, i) => sum + one * sign(o, i), 0),
  );
  for (const threads of [1, 2, 3]) {
    for (const simd of ['baseline', 'relaxed'] as const) {
      const device = await cpuDevice({ threads, simd });
      const list = {
        indices: tensor(device, Int32Array.from(values.keys()), [1, inputs], 'i32'),
        values: tensor(device, values, [1, inputs], 'i8'),
        count: tensor(device, [inputs], [1], 'i32'),
        scale: tensor(device, [1]),
      };
      const y = ternaryGemv(list, {
        w: tensor(device, bytes, [inputs, channelBytes(outputs)], 'i8'),
        scales: tensor(device, new Float32Array(outputs).fill(1), [outputs]),
      });
      expect(await y.data()).toEqual(expected);
      device.dispose();
    }
  }
});

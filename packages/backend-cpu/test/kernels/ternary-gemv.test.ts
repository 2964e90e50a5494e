/** Sizes that conformance is too slow for: more outputs than fit a thread's scratch, and rows that threads share out. */
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

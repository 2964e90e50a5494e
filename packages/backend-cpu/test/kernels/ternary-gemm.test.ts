/** Many rows at once, against the rows one by one: the same bits. */
import { cpuDevice } from '@qsparse/backend-cpu';
import { normal, type Tensor, tensor } from '@qsparse/core';
import {
  type ChannelList,
  channelBytes,
  packChannelMajor,
  sparsifyList,
  ternaryGemv,
} from '@qsparse/quantizers';
import { expect, test } from 'vitest';

/** Past a tile of inputs, a block of outputs and the rows that share a tile, and no multiple of four. */
const [INPUTS, OUTPUTS, ROWS] = [303, 330, 134];
const signs = (sign: (i: number) => number): Int8Array =>
  new Int8Array(
    packChannelMajor(
      Int8Array.from({ length: OUTPUTS * INPUTS }, (_, i) => sign(i)),
      OUTPUTS,
      INPUTS,
    ).buffer,
  );
const bytesOf = async (x: Tensor): Promise<Buffer> => Buffer.from((await x.data()).buffer);

test.each(['baseline', 'relaxed'] as const)('rows together give what each gives, %s SIMD', async (simd) => {
  for (const threads of [1, 3]) {
    const device = await cpuDevice({ threads, simd });
    const scales = tensor(device, normal(3, 0, OUTPUTS), [OUTPUTS]);
    const add = tensor(device, normal(4, 0, ROWS * OUTPUTS), [ROWS, OUTPUTS]);
    const shape = [INPUTS, channelBytes(OUTPUTS)];
    for (const [sign, entries, k] of [
      [(i: number) => ((i * 7 + (i >> 5)) % 3) - 1, Array.from(normal(5, 0, ROWS * INPUTS)), 120],
      [() => 1, Array<number>(ROWS * INPUTS).fill(1), INPUTS],
      [() => -1, Array<number>(ROWS * INPUTS).fill(-1), INPUTS - 1],
    ] as const) {
      const w = { w: tensor(device, signs(sign), shape, 'i8'), scales };
      const x = tensor(device, entries, [ROWS, INPUTS]);
      const together = await bytesOf(ternaryGemv(sparsifyList(x, { k, int8: true }), w, { add }));
      const residual = await add.data();
      for (const row of [0, 1, 63, 64, 127, 128, 133]) {
        const own = tensor(device, entries.slice(row * INPUTS, (row + 1) * INPUTS), [1, INPUTS]);
        const rest = residual.slice(row * OUTPUTS, (row + 1) * OUTPUTS) as Float32Array;
        const one = ternaryGemv(sparsifyList(own, { k, int8: true }), w, {
          add: tensor(device, rest, [1, OUTPUTS]),
        });
        const expected = await bytesOf(one);
        const got = together.subarray(row * OUTPUTS * 4, (row + 1) * OUTPUTS * 4);
        expect(Buffer.compare(got, expected), `row ${row}`).toBe(0);
      }
    }
    device.dispose();
  }
});

test('an index outside makes its own row NaN', async () => {
  const device = await cpuDevice({ threads: 2 });
  const shape = [ROWS, 2];
  const indices = Int32Array.from({ length: 2 * ROWS }, (_, i) => (i === 7 ? INPUTS : i === 10 ? -1 : i % 2));
  const list: ChannelList = {
    indices: tensor(device, indices, shape, 'i32'),
    values: tensor(device, new Int8Array(2 * ROWS).fill(5), shape, 'i8'),
    count: tensor(device, new Int32Array(ROWS).fill(2), [ROWS], 'i32'),
    scale: tensor(device, new Float32Array(ROWS).fill(1), [ROWS]),
  };
  const y = await ternaryGemv(list, {
    w: tensor(
      device,
      signs(() => 1),
      [INPUTS, channelBytes(OUTPUTS)],
      'i8',
    ),
    scales: tensor(device, new Float32Array(OUTPUTS).fill(1), [OUTPUTS]),
  }).data();
  for (let row = 0; row < ROWS; row++) {
    const [first, last] = [y[row * OUTPUTS]!, y[(row + 1) * OUTPUTS - 1]!];
    expect([first, last]).toEqual(row === 3 || row === 5 ? [Number.NaN, Number.NaN] : [10, 10]);
  }
  device.dispose();
});

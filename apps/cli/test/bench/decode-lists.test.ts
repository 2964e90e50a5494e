import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { timeDecodeLists } from '../../src/bench/decode-lists.ts';

test('both ops are timed a launch at every width and sparsity, and nothing is left behind', async () => {
  const device = referenceDevice();
  let ticks = 0;
  const timed = Object.create(device, {
    time: {
      value: async (work: () => void) => {
        work();
        return ++ticks;
      },
    },
  }) as Parameters<typeof timeDecodeLists>[0];
  const times = await timeDecodeLists(timed, { widths: [6, 9], sparsities: [0, 0.5], launches: 4 });
  expect(times.map(({ op, width, sparsity }) => `${op} ${width} ${sparsity}`)).toEqual(
    [6, 9].flatMap((width) =>
      [0, 0.5].flatMap((sparsity) =>
        ['sparsify-list', 'gated-sparsify-list'].map((op) => `${op} ${width} ${sparsity}`),
      ),
    ),
  );
  // Eleven replays of one to eleven milliseconds, and four launches in each.
  expect(times[0]!.microseconds).toBe(6000 / 4);
  expect(device.memory()).toMatchObject({ count: 0, programs: 0 });
});

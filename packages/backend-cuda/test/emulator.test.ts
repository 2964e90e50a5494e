/** What the emulator computes, on small kernels of fixtures/ against plain loops. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type Fixtures, type Gpu, missing, openFixtures } from './emulator/fixture-driver.ts';

const { start, set } = missing ? ({} as Fixtures) : openFixtures({ checks: true });
const unchecked = missing ? ({} as Fixtures) : openFixtures({ checks: false });

const range = <T>(count: number, value: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => value(i));
const words = (bytes: ArrayBuffer): number[] => [...new Uint32Array(bytes)];
const floats = (bytes: ArrayBuffer): number[] => [...new Float32Array(bytes)];

describe.skipIf(missing)('threads of a block', () => {
  let gpu: Gpu;
  beforeEach(() => {
    gpu = start('blocks');
  });

  for (const order of ['forwards', 'backwards', '1', '2']) {
    describe(`order ${order}`, () => {
      beforeEach(() => set('ORDER', order));

      test('elementwise, with threads behind the end', () => {
        const x = Float32Array.from(range(300, (i) => i - 7));
        const y = gpu.run('double_each', { x, n: 300, grid: [2], block: [256], output: 1204 });
        expect(floats(y)).toEqual([...x.map((value) => 2 * value), 0]);
      });

      test('indices in three dimensions, up to 1024 threads', () => {
        const [grid, block] = [
          [3, 2, 2],
          [4, 8, 2],
        ] as const;
        const seen = words(gpu.run('write_indices', { grid, block, output: 12 * 64 * 4 }));
        const expected = range(12 * 64, (i) => {
          const [t, b] = [i % 64, Math.floor(i / 64)];
          const thread = (t % 4) | (((t >> 2) % 8) << 4) | ((t >> 5) << 8);
          return thread | ((b % 3) << 12) | ((Math.floor(b / 3) % 2) << 16) | (Math.floor(b / 6) << 20);
        });
        expect(seen).toEqual(expected);
        const wide = words(gpu.run('write_indices', { block: [16, 16, 4], output: 4096 }));
        expect(new Set(wide).size).toBe(1024);
      });

      test('sums and maxima of blocks', () => {
        const x = Float32Array.from(range(1024, (i) => (i * 37) % 101));
        const y = floats(gpu.run('sum_and_max', { x, grid: [4], block: [256], output: 32 }));
        const rows = range(4, (row) => [...x.subarray(256 * row, 256 * row + 256)]);
        expect(y).toEqual(rows.flatMap((row) => [row.reduce((a, b) => a + b), Math.max(...row)]));
      });

      test('dynamic shared memory', () => {
        const x = Float32Array.from(range(2000, (i) => i));
        const y = floats(
          gpu.run('reverse_block', { x, grid: [2], block: [1000], shared: 4000, output: 8000 }),
        );
        expect(y).toEqual([...x.slice(0, 1000).reverse(), ...x.slice(1000).reverse()]);
      });

      test('threads that end before a barrier', () => {
        const y = words(gpu.run('count_the_rest', { n: 77, block: [200], output: 400 }));
        expect(y).toEqual(range(100, (i) => (i < 77 ? 77 | (38 << 12) | (1 << 25) : 0)));
      });

      test('branches inside of a warp', () => {
        const y = words(gpu.run('diverge', { block: [64], output: 256 }));
        expect(y).toEqual(range(64, (i) => ((i ^ 3) & 1 ? (i ^ 3) * 3 : (i ^ 3) * 5) + 1));
      });

      test('the block that comes last reads what the others wrote', () => {
        const x = new Float32Array(128 * 50).fill(0.5);
        const y = floats(gpu.run('last_block_sums', { x, n: 1, grid: [50], block: [128], output: 208 }));
        expect(y[1]).toBe(3200);
      });

      test('atomic operations', () => {
        const y = gpu.upload(Uint32Array.from(range(20, (i) => (i === 2 ? 1000 : 0))));
        expect(gpu.launch('atomics', { y, block: [64] })).toBe(0);
        const result = words(gpu.download(y, 80));
        const last = (first: number): number => result[first]!;
        expect(result.slice(0, 4)).toEqual([2016, 63, 0, 0xffffffff]);
        expect(result.slice(6, 10)).toEqual([2016 - 640, 53, 0xfffffff6, 0xffffffff]);
        // Whoever came first.
        expect(last(4)).toBeGreaterThan(0);
        expect([last(5), last(11)]).toEqual([7, 7]);
        expect([last(16), last(17)]).toEqual([0, 128]);
        expect(new Float32Array(Uint32Array.of(last(18)).buffer)[0]).toBe(32);
        expect(last(19)).toBe(4);
      });
    });
  }

  test('many barriers of many threads', () => {
    const y = words(gpu.run('many_barriers', { n: 50, grid: [2], block: [1024], output: 8 }));
    expect(y).toEqual([1225, 1225]);
  });
});

describe.skipIf(missing)('lanes of a warp', () => {
  const shuffled = (n: number, width: number): number[][] => {
    const value = (from: (lane: number, first: number) => number): number[] =>
      range(32, (lane) => 100 + from(lane, lane - (lane % width)));
    const xor = value((lane, first) => ((lane ^ n) < first + width ? lane ^ n : lane));
    return [
      value((_, first) => first + (n % width)),
      value((lane, first) => (lane - n >= first ? lane - n : lane)),
      value((lane, first) => (lane + n < first + width ? lane + n : lane)),
      xor,
      xor,
    ];
  };

  for (const [n, width] of [
    [1, 32],
    [16, 32],
    [5, 8],
    [3, 16],
    [31, 32],
    [0, 1],
  ] as const) {
    test(`shuffles by ${n} in segments of ${width}`, () => {
      const gpu = start('warps');
      set('ORDER', String(n));
      const y = words(gpu.run('shuffles', { n, m: width, output: 768 }));
      expect(range(5, (row) => y.slice(32 * row, 32 * row + 32))).toEqual(shuffled(n, width));
      const halves = Float32Array.from(range(32, (lane) => 0.5 * (131 - lane)));
      expect(y.slice(160)).toEqual(words(halves.buffer));
    });
  }

  test('votes and reductions', () => {
    const y = words(start('warps').run('votes', { output: 768 }));
    const row = (index: number): number[] => y.slice(32 * index, 32 * index + 32);
    const thirds = range(32, (lane) => (lane % 3 === 0 ? 2 ** lane : 0)).reduce((a, b) => a + b);
    expect(row(0)).toEqual(Array(32).fill(thirds));
    expect([row(1), row(2), row(3)]).toEqual([Array(32).fill(1), Array(32).fill(0), Array(32).fill(496)]);
    expect(row(4)).toEqual(Array(32).fill(2 ** 32 - 40));
    const group = (lane: number): number => (31 << (5 * Math.floor(lane / 5))) >>> 0;
    expect(row(5)).toEqual(range(32, group));
  });

  test('masks of some lanes, and lanes that have ended', () => {
    const y = words(start('warps').run('partial_masks', { output: 384 }));
    const first = range(32, (lane) => (lane < 16 ? 15 - lane : lane + 4 < 32 ? lane + 4 : lane));
    expect(y.slice(0, 32)).toEqual(first);
    expect(y.slice(32, 64)).toEqual(range(32, (lane) => (lane < 20 ? 0xaaaaa : 0)));
    expect(y.slice(64)).toEqual(range(32, (lane) => (lane < 20 ? 1 : 0)));
  });
});

describe.skipIf(missing)('tensor cores', () => {
  const bf16 = (values: readonly number[]): Uint16Array<ArrayBuffer> =>
    Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => bits >>> 16);
  // Numbers that bf16 holds, and their products and sums float32.
  const a = range(256, (i) => ((i * 7) % 31) - 15);
  const b = range(128, (i) => ((i * 11) % 23) / 4 - 2);
  const transposed = (values: readonly number[], rows: number): number[] => {
    const columns = values.length / rows;
    return range(values.length, (i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
  };
  const product = range(128, (i) => {
    const [row, column] = [Math.floor(i / 8), i % 8];
    return range(16, (k) => a[row * 16 + k]! * b[k * 8 + column]!).reduce((x, y) => x + y);
  });

  for (const aTransposed of [0, 1]) {
    for (const bTransposed of [0, 1]) {
      for (const order of ['forwards', 'backwards', '5']) {
        test(`a ${aTransposed ? 'transposed' : 'as it is'}, b ${bTransposed ? 'transposed' : 'as it is'}, ${order}`, () => {
          const gpu = start('tensor');
          set('ORDER', order);
          const left = aTransposed ? transposed(a, 16) : a;
          const right = bTransposed ? transposed(b, 16) : b;
          const x = bf16([...left, ...right]);
          const y = gpu.run('matrix_product', { x, n: aTransposed, m: bTransposed, output: 512 });
          expect(floats(y)).toEqual(product.map((value) => value + 1));
        });
      }
    }
  }

  test('fragments taken from memory', () => {
    const x = bf16([...a, ...transposed(b, 16)]);
    expect(floats(start('tensor').run('plain_fragments', { x, output: 512 }))).toEqual(product);
  });

  describe('background copies', () => {
    const x = Uint32Array.from(range(256, (i) => i + 1));
    const expected = range(256, (i) => (i < 200 ? i + 1 : 0));

    test('arrive by the wait, and are zeros where there is no source', () => {
      for (const order of ['forwards', 'backwards', '3']) {
        const gpu = start('tensor');
        set('ORDER', order);
        expect(words(gpu.run('background_copies', { x, m: 200, output: 1024 }))).toEqual(expected);
      }
    });

    test('leave what was there before until the wait', () => {
      const gpu = unchecked.start('tensor');
      const early = words(gpu.run('background_copies', { x, m: 200, n: 1, output: 1024 }));
      expect(early.slice(0, 128)).toEqual(expected.slice(0, 128));
      expect(early.slice(128)).not.toEqual(expected.slice(128));
      unchecked.set('ORDER', 'backwards');
      expect(words(gpu.run('background_copies', { x, m: 200, n: 1, output: 1024 }))).toEqual(expected);
    });
  });
});

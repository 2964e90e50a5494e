/** Planted mistakes of kernels: the emulator names them, or its orders of threads show them. */
import { describe, expect, test } from 'vitest';
import { type Fixtures, type LaunchOptions, missing, openFixtures } from './fixture-driver.ts';

const ILLEGAL_ADDRESS = 700;
const MISALIGNED = 716;
const FAILED = 719;
const ORDERS = ['forwards', 'backwards', '1', '2', '3'];

const none = {} as Fixtures;
const checked = missing ? none : openFixtures({ checks: true });
const unchecked = missing ? none : openFixtures({ checks: false });

interface Mistake {
  readonly kernel: string;
  readonly status: number;
  /** Words of the message. */
  readonly says: RegExp;
  readonly options?: LaunchOptions;
}

const twoWarps = { block: [64] };
/** Found in either build. */
const always: readonly Mistake[] = [
  {
    kernel: 'deadlock_at_two_barriers',
    status: FAILED,
    says: /deadlock: threads 0-47 waiting at __syncthreads.*; threads 48-63 waiting at __syncwarp.*misses lanes 0000ffff/,
    options: twoWarps,
  },
  { kernel: 'barriers_at_two_places', status: FAILED, says: /wait at another one/, options: twoWarps },
  {
    kernel: 'barriers_of_two_kinds',
    status: FAILED,
    says: /__syncthreads(_count)? while other threads/,
    options: twoWarps,
  },
  { kernel: 'shuffle_names_ended_lane', status: FAILED, says: /mask ffffffff names lane 9, which has ended/ },
  { kernel: 'shuffle_without_own_lane', status: FAILED, says: /does not name the calling lane/ },
  { kernel: 'shuffle_misses_lane', status: FAILED, says: /deadlock: .*thread 3 waiting at __syncthreads/ },
  { kernel: 'product_of_half_a_warp', status: FAILED, says: /mma_bf16 with mask ffffffff names lane/ },
  { kernel: 'write_to_nowhere', status: ILLEGAL_ADDRESS, says: /writes|touches/, options: { y: 0 } },
  { kernel: 'divide_by_zero', status: FAILED, says: /divides an integer by zero/ },
  { kernel: 'spin', status: FAILED, says: /seems to wait for another block or lane/ },
  { kernel: 'trapped', status: FAILED, says: /thread \(5, 0, 0\).*__trap\(\)/ },
  { kernel: 'deep_stack', status: FAILED, says: /needs more than 256 KiB of stack/, options: { n: 100 } },
];
/** Found where plain loads and stores are checked. */
const onlyChecked: readonly Mistake[] = [
  {
    kernel: 'read_behind_the_end',
    status: ILLEGAL_ADDRESS,
    says: /reads 4 bytes .*behind the end of the allocation of 128 bytes/,
    options: { n: 1, x: new Float32Array(32) },
  },
  {
    kernel: 'write_behind_the_end',
    status: ILLEGAL_ADDRESS,
    says: /writes 4 bytes .*behind the end/,
    options: { n: 65 },
  },
  {
    kernel: 'misaligned_vector',
    status: MISALIGNED,
    says: /not aligned/,
    options: { x: new Float32Array(200) },
  },
  {
    kernel: 'shared_behind_the_end',
    status: ILLEGAL_ADDRESS,
    says: /nor shared memory of this block \(\d+ bytes of __shared__ variables in its file, 100 dynamic\)/,
    options: { shared: 100 },
  },
  {
    kernel: 'array_behind_the_end',
    status: FAILED,
    says: /an index is outside of its array/,
    options: { n: 1 },
  },
  { kernel: 'shift_too_far', status: FAILED, says: /shifts by/, options: { n: 1 } },
  { kernel: 'overflow', status: FAILED, says: /product overflows/, options: { n: 2 ** 30 } },
  { kernel: 'race_in_block', status: FAILED, says: /race: /, options: twoWarps },
  {
    kernel: 'race_in_warp',
    status: FAILED,
    says: /race: reads 4 bytes of shared memory that thread .* wrote/,
  },
  { kernel: 'race_write_after_read', status: FAILED, says: /race: /, options: twoWarps },
  { kernel: 'race_of_writes', status: FAILED, says: /race: .*writes another value/, options: twoWarps },
  { kernel: 'race_of_blocks', status: FAILED, says: /race: /, options: { grid: [2], n: 33 } },
];

const outputBytes = 512;

/** Launches a mistake; the status, and a later call's. */
function launched(
  { start, set, call }: Fixtures,
  mistake: Mistake,
  order: string,
): readonly [number, number] {
  const gpu = start('mistakes');
  set('ORDER', order);
  const y = gpu.upload(new Uint8Array(mistake.kernel === 'write_behind_the_end' ? 384 : outputBytes));
  const status = gpu.launch(mistake.kernel, { y, ...mistake.options });
  return [status, call('cuStreamSynchronize', gpu.stream)];
}

describe.skipIf(missing)('mistakes that end a launch', () => {
  for (const mistake of [...always, ...onlyChecked]) {
    test(mistake.kernel, () => {
      const builds = onlyChecked.includes(mistake) ? [checked] : [checked, unchecked];
      for (const build of builds) {
        for (const order of ORDERS) {
          // The context is lost, as on a GPU.
          expect(launched(build, mistake, order)).toEqual([mistake.status, mistake.status]);
          expect(build.failure()).toMatch(mistake.says);
          expect(build.failure()).toMatch(`kernel ${mistake.kernel} (mistakes.cu), block (`);
        }
      }
    });
  }

  test('the message names the line', () => {
    const gpu = checked.start('mistakes');
    checked.set('QUIET', '0');
    expect(gpu.launch('trapped', {})).toBe(FAILED);
    expect(checked.failure()).toMatch(/at mistakes\.cu:\d+/);
  });

  test('what is right gives no alarm', () => {
    const right: [string, LaunchOptions][] = [
      ['race_in_block', { block: [64], n: 1 }],
      ['race_in_warp', { n: 1 }],
      ['race_write_after_read', { block: [64], n: 1 }],
      // All write the same value.
      ['race_of_writes', { block: [64], n: 1 }],
      ['misaligned_vector', {}],
      ['shared_behind_the_end', { shared: 128 }],
      ['shift_too_far', { n: 0 }],
    ];
    for (const [kernel, options] of right) {
      for (const order of ORDERS) {
        const gpu = checked.start('mistakes');
        checked.set('ORDER', order);
        const y = gpu.upload(new Uint8Array(outputBytes));
        // One element further on, vectors start at a multiple of 16.
        const x = gpu.upload(new Float32Array(200)) + 12;
        expect([kernel, gpu.launch(kernel, { x, y, ...options })], checked.failure()).toEqual([kernel, 0]);
      }
    }
  });

  test('the last block needs the fence of the others', () => {
    const x = new Float32Array(128 * 4).fill(1);
    for (const order of ORDERS) {
      for (const [fence, status] of [
        [1, 0],
        [0, FAILED],
      ] as const) {
        const gpu = checked.start('blocks');
        checked.set('ORDER', order);
        const y = gpu.upload(new Uint8Array(outputBytes));
        expect(gpu.launch('last_block_sums', { x, y, n: fence, grid: [4], block: [128] })).toBe(status);
      }
    }
    expect(checked.failure()).toMatch(/reads 4 bytes of memory that another block of this launch wrote/);
  });
});

describe.skipIf(missing)('mistakes that show in the result', () => {
  test('shared memory that nobody wrote is NaN', () => {
    const y = new Float32Array(
      unchecked.start('mistakes').run('read_before_write', { shared: 128, output: 256 }),
    );
    expect([...y].map((value, i) => [i, value]).filter(([, value]) => Number.isNaN(value))).toHaveLength(33);
    expect(y[4]).toBeNaN();
  });

  test('memory that nobody wrote is NaN', () => {
    const gpu = unchecked.start('mistakes');
    expect([...new Float32Array(gpu.download(gpu.alloc(64), 64))].every(Number.isNaN)).toBe(true);
  });

  test('the order of threads changes what a race gives', () => {
    const results = (kernel: string, n: number): Set<string> =>
      new Set(
        ORDERS.map((order) => {
          const gpu = unchecked.start('mistakes');
          unchecked.set('ORDER', order);
          return new Uint32Array(gpu.run(kernel, { n, block: [64], output: outputBytes })).join();
        }),
      );
    for (const kernel of ['race_in_block', 'race_write_after_read', 'race_of_writes']) {
      expect(results(kernel, 0).size, kernel).toBeGreaterThan(1);
      expect(results(kernel, 1).size, kernel).toBe(1);
    }
  });

  test('the order of blocks does too', () => {
    const results = ORDERS.map((order) => {
      const gpu = unchecked.start('mistakes');
      unchecked.set('ORDER', order);
      const y = gpu.upload(Uint32Array.from({ length: 65 }, (_, i) => i));
      gpu.launch('race_of_blocks', { y, n: 64, grid: [2] });
      return new Uint32Array(gpu.download(y, 260)).join();
    });
    expect(new Set(results).size).toBeGreaterThan(1);
  });

  test('one seed gives one order', () => {
    const once = (): string => {
      const gpu = unchecked.start('mistakes');
      unchecked.set('ORDER', '7');
      return new Uint32Array(gpu.run('race_in_block', { block: [64], output: 256 })).join();
    };
    expect(once()).toBe(once());
  });
});

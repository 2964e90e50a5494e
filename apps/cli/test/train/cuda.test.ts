/** Training on CUDA through the command line, on a driver that runs kernels on the CPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type EmulatorControl,
  emulatorPath,
  missing,
  openEmulator,
} from '../../../../packages/backend-cuda/test/emulated-device.ts';
import { cli, temporaryFolder, writeText } from '../run-cli.ts';

const emulator = missing ? ({} as EmulatorControl) : openEmulator();
const folder = temporaryFolder();
afterAll(() => folder.remove());
const text = writeText(folder.path);
let runs = 0;
const fresh = () => join(folder.path, `run-${++runs}`);

const TINY = [
  ...['--layers', '1', '--width', '16', '--heads', '2', '--kv-heads', '1', '--feed-forward', '32'],
  ...['--context', '8', '--batch', '2', '--warmup', '2', '--tokenizer', 'byte', '--learning-rate', '0.01'],
  ...['--validation-batches', '1', '--sample-every', '0', '--schedule', 'constant', '--compute', 'f32'],
  ...['--weights', 'full', '--sparsity', '0', '--activations', 'full', '--seed', '3'],
];
const train = (device: string, out: string, ...argv: string[]) =>
  cli('train', ...TINY, '--data', text, '--device', device, '--out', out, ...argv);
const resume = (device: string, out: string, ...argv: string[]) =>
  cli('train', '--device', device, '--resume', out, ...argv);

interface Line {
  readonly step: number;
  readonly loss: number;
}
const learnt = (out: string): readonly Line[] =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const losses = (out: string): readonly number[] => learnt(out).map(({ loss }) => loss);

const VARIABLES = ['QSPARSE_LIBCUDA', 'QSPARSE_LIBCUBLASLT', 'QSPARSE_CACHE'] as const;
const before = VARIABLES.map((name) => [name, process.env[name]] as const);
const restore = (): void => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
};

describe.skipIf(missing)('on CUDA', () => {
  beforeEach(() => {
    process.env.QSPARSE_LIBCUDA = emulatorPath();
    process.env.QSPARSE_LIBCUBLASLT = emulatorPath();
    // Algorithms of products are timed once and kept: runs repeat themselves to the last bit.
    process.env.QSPARSE_CACHE = join(folder.path, 'cache');
  });
  afterEach(() => {
    restore();
    emulator.reset();
  });

  describe('a run that moves between devices', () => {
    const [whole, alone] = [fresh(), fresh()];
    beforeAll(async () => {
      expect(await train('cpu', whole, '--steps', '8')).toMatchObject({ code: 0, err: '' });
    });

    const near = (out: string): void => {
      const [expected, got] = [losses(whole), losses(out)];
      expect(got).toHaveLength(8);
      for (const [i, loss] of got.entries())
        expect(Math.abs(loss - expected[i]!), `step ${i + 1}`).toBeLessThan(1e-4);
    };

    test('has the losses of the CPU where it stays on CUDA', async () => {
      const ended = await train('cuda', alone, '--steps', '8');
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out).toContain('device     cuda: Emulated GPU');
      near(alone);
    });

    test('a look inside after every step changes no number', async () => {
      const [plain, looked] = [fresh(), fresh()];
      await train('cuda', plain, '--steps', '5');
      const flags = ['--steps', '5', '--diagnostics-every', '1'];
      expect(await train('cuda', looked, ...flags)).toMatchObject({ code: 0, err: '' });
      expect(losses(looked)).toEqual(losses(plain));
    });

    test.each([
      ['cuda', 'cpu'],
      ['cpu', 'cuda'],
    ])('from %s to %s', async (from, to) => {
      const out = fresh();
      expect(await train(from, out, '--steps', '4')).toMatchObject({ code: 0, err: '' });
      expect(await resume(to, out, '--steps', '8')).toMatchObject({ code: 0, err: '' });
      near(out);
    });

    test('in the compute type of each device: bf16 on CUDA, f32 on the CPU', async () => {
      const out = fresh();
      expect(await train('cuda', out, '--compute', 'auto', '--steps', '4')).toMatchObject({
        code: 0,
        err: '',
      });
      expect(await resume('cpu', out, '--steps', '8')).toMatchObject({ code: 0, err: '' });
      for (const [i, loss] of losses(out).entries())
        expect(Math.abs(loss - losses(whole)[i]!), `step ${i + 1}`).toBeLessThan(3e-2);
    });
  });

  test('doctor says what was found, what is missing and what that costs', async () => {
    process.env.QSPARSE_LIBCUBLASLT = '/nowhere/libcublasLt.so';
    const { code, out } = await cli('doctor');
    expect(code).toBe(0);
    expect(out).toMatch(/works +cuda +NVIDIA GPUs/);
    expect(out).toContain('matrix products: own kernels, which are slower: /nowhere/libcublasLt.so');
    expect(out).toContain(`driver: ${emulatorPath()}, CUDA 13.0`);
  });

  describe('out of memory', () => {
    test('at the start: one line, and no folder is left', async () => {
      emulator.set({ MEMORY: 40_000 });
      const out = fresh();
      const ended = await train('cuda', out, '--steps', '4');
      expect(ended.code).toBe(1);
      expect(ended.err.trim().split('\n')).toHaveLength(1);
      expect(ended.err).toMatch(
        /no room for .* tensors and .* captured programs are in use; .*; use a smaller batch/,
      );
      expect(readdirSync(folder.path)).not.toContain(out.split('/').at(-1));
    });

    test('at any moment: one line, and what was saved goes on as if nothing had happened', async () => {
      const whole = fresh();
      await train('cuda', whole, '--steps', '4');
      let interrupted = 0;
      for (let call = 10; ; call = Math.ceil(call * 1.6)) {
        emulator.set({ FAIL: `cuMemAlloc_v2:${call}+` });
        const out = fresh();
        const ended = await train('cuda', out, '--steps', '4', '--save-every', '1');
        emulator.set({ FAIL: '' });
        expect(Object.values(emulator.alive()), `call ${call}`).toEqual(Array(10).fill(0));
        if (ended.code === 0) break;
        expect(ended.err.trim().split('\n'), ended.err).toHaveLength(1);
        expect(ended.err).toMatch(/no room for .*; use a smaller batch/);
        if (!readdirSync(folder.path).includes(out.split('/').at(-1)!)) continue;
        interrupted++;
        expect(await resume('cuda', out)).toMatchObject({ code: 0, err: '' });
        expect(losses(out), `call ${call}`).toEqual(losses(whole));
      }
      expect(interrupted).toBeGreaterThan(0);
    });
  });

  test.each([
    ['1e300', 'its update made '],
    ['1e25', 'the first that are not finite are the values at layers.0.'],
  ])('a learning rate of %s stops the run and names the place, as on the CPU', async (rate, what) => {
    const run = async (device: string): Promise<string> => {
      const far = ['--learning-rate', rate, '--clip', '0', '--warmup', '0'];
      const ended = await train(device, fresh(), '--steps', '30', '--save-every', '1', ...far);
      expect(ended.code).toBe(1);
      return ended.err;
    };
    const [onCuda, onCpu] = [await run('cuda'), await run('cpu')];
    expect(onCuda).toMatch(/^\[train\] step \d+: .*; lower the learning rate or clip more\n$/);
    expect(onCuda).toContain(what);
    expect(onCuda).toBe(onCpu);
  });
});

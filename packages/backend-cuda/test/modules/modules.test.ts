/** Where kernels come from: shipped machine code, the cache, NVRTC; and what is said where none of them does. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeviceError } from '@qsparse/core';
import koffi from 'koffi';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Driver } from '../../src/driver/driver.ts';
import { CudaError, REMEDIES } from '../../src/driver/errors.ts';
import { createModules, type ModuleOptions, type Modules } from '../../src/modules/modules.ts';
import { openNvrtc } from '../../src/modules/nvrtc.ts';
import { hashOf, sourceOf } from '../../src/modules/source.ts';
import { buildStandIn } from './stand-in-nvrtc.ts';

const root = mkdtempSync(join(tmpdir(), 'qsparse-modules-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const standIn = buildStandIn(root);
let folders = 0;
const folder = (): string => {
  const made = join(root, `folder-${folders++}`);
  mkdirSync(made);
  return made;
};
const NOWHERE = '/nowhere/libnvrtc.so';
const KERNEL = 'scale_f32';
const isRoot = process.getuid?.() === 0;

/** A driver that loads what `status` of the image's text allows. */
function driverOf(status: (image: string) => number) {
  const loaded: string[] = [];
  let unloaded = 0;
  const make = (call: string, image: unknown): number => {
    if (call !== 'cuModuleLoadData') return 7;
    const text = new TextDecoder().decode(image as Uint8Array);
    loaded.push(text);
    const failed = status(text);
    if (failed) throw new CudaError(call, failed, `${call} failed (${failed})`, REMEDIES[failed]);
    return loaded.length;
  };
  const raw = { cuModuleUnload: () => ++unloaded };
  const driver = { emulated: false, version: 13_000, make, call() {}, raw } as unknown as Driver;
  return { driver, loaded, unloaded: () => unloaded };
}

/** A folder with a fatbin of scale.cu, made from the sources that are there or from others. */
function fatbins(source: string = sourceOf('scale')): string {
  const made = folder();
  writeFileSync(join(made, 'scale.fatbin'), 'FATBIN');
  writeFileSync(join(made, 'manifest.json'), JSON.stringify({ scale: hashOf(source) }));
  return made;
}

const open = (driver: Driver, other: Partial<ModuleOptions> = {}): Modules =>
  createModules({
    ...{ driver, capability: 90, cacheFolder: '', nvrtcPath: standIn ?? NOWHERE, fatbins: true },
    ...{ fatbinFolder: root, ...other },
  });

function failureOf(work: () => unknown): Error & { hint: string } {
  try {
    work();
  } catch (error) {
    expect((error as Error).message).not.toContain('\n');
    return error as Error & { hint: string };
  }
  throw new Error('nothing was thrown');
}

describe('shipped machine code', () => {
  test('is used where it fits, once a module', () => {
    const { driver, loaded, unloaded } = driverOf(() => 0);
    const modules = open(driver, { fatbinFolder: fatbins(), nvrtcPath: NOWHERE });
    modules.kernel(KERNEL);
    modules.kernel(KERNEL);
    modules.kernel('scale_bf16');
    expect(loaded).toEqual(['FATBIN']);
    expect([...modules.origins]).toEqual([['scale', 'fatbin']]);
    modules.dispose();
    modules.dispose();
    expect(unloaded()).toBe(1);
  });

  test.each([200, 209, 218, 222, 223])('is refused with %i and there is no NVRTC: what to do', (status) => {
    const { driver } = driverOf(() => status);
    const error = failureOf(() =>
      open(driver, { fatbinFolder: fatbins(), nvrtcPath: NOWHERE }).kernel(KERNEL),
    );
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain(`kernel scale has no machine code for this GPU and driver (`);
    expect(error.message).toContain(`(${status})`);
    expect(error.message).toContain(`NVRTC, which would compile it, is missing: ${NOWHERE}: `);
    expect(error.hint).toContain('update the NVIDIA driver (this one knows CUDA 13.0), or install');
  });

  test('of other sources is not used, nor what is not there or switched off', () => {
    const wrong = [
      { fatbinFolder: fatbins('other source') },
      { fatbinFolder: folder() },
      { fatbinFolder: fatbins(), fatbins: false },
    ];
    const damaged = fatbins();
    writeFileSync(join(damaged, 'manifest.json'), '{"scale": ');
    for (const options of [...wrong, { fatbinFolder: damaged }]) {
      const { driver, loaded } = driverOf(() => 0);
      const error = failureOf(() => open(driver, { ...options, nvrtcPath: NOWHERE }).kernel(KERNEL));
      expect(error.message).toContain('(none was built)');
      expect(loaded).toEqual([]);
    }
  });

  test('another failure than an unfit image is not hidden', () => {
    const { driver } = driverOf(() => 2);
    const error = failureOf(() => open(driver, { fatbinFolder: fatbins() }).kernel(KERNEL));
    expect(error).toMatchObject({ call: 'cuModuleLoadData', status: 2 });
  });
});

describe('NVRTC', () => {
  test('that is another library, or none', () => {
    for (const path of process.platform === 'linux' ? ['libm.so.6', NOWHERE] : [NOWHERE]) {
      const opened = openNvrtc(path);
      expect(opened).toEqual(expect.stringContaining(path));
      expect(opened).not.toContain('\n');
    }
  });

  describe.skipIf(!standIn)('with a stand-in (needs a C compiler)', () => {
    const library = standIn ? koffi.load(standIn) : undefined;
    const compiled = (library?.func('int standInCompiled()') ?? (() => 0)) as () => number;
    const alive = (library?.func('int standInAlive()') ?? (() => 0)) as () => number;
    const fail = library?.func('void standInFail(int status, str log)') as (
      status: number,
      log: string,
    ) => void;
    beforeEach(() => fail(0, ''));

    test.each([209, 218, 222])('compiles what the driver refuses with %i', (status) => {
      const { driver, loaded } = driverOf((image) => (image === 'FATBIN' ? status : 0));
      const modules = open(driver, { fatbinFolder: fatbins() });
      modules.kernel(KERNEL);
      expect(loaded).toEqual(['FATBIN', 'CODE:scale.cu']);
      expect([...modules.origins]).toEqual([['scale', 'nvrtc']]);
      expect(alive()).toBe(0);
    });

    test('compiles all that has no code before it is asked for, once', async () => {
      const cacheFolder = folder();
      const start = compiled();
      const progress: number[] = [];
      const { driver, loaded } = driverOf(() => 0);
      const modules = open(driver, { cacheFolder });
      await modules.prepare((done, count) => progress.push(done, count));
      const count = progress.at(-1)!;
      expect(count).toBeGreaterThan(40);
      expect(progress).toEqual(Array.from({ length: count + 1 }, (_, done) => [done, count]).flat());
      expect(compiled() - start).toBe(count);
      expect(readdirSync(cacheFolder)).toHaveLength(count);
      expect(loaded).toEqual([]);
      modules.kernel(KERNEL);
      expect(modules.origins.get('scale')).toBe('nvrtc');
      expect(compiled() - start).toBe(count);
      const next = open(driverOf(() => 0).driver, { cacheFolder });
      await next.prepare(() => expect.unreachable());
      next.kernel(KERNEL);
      expect(next.origins.get('scale')).toBe('cache');
      expect(compiled() - start).toBe(count);
      expect(alive()).toBe(0);
    });

    test('leaves alone what was shipped, unless the driver refuses it', async () => {
      const shipped = async (status: number): Promise<number> => {
        const start = compiled();
        const { driver } = driverOf((image) => (image === 'FATBIN' ? status : 0));
        const modules = open(driver, { fatbinFolder: fatbins() });
        await modules.prepare();
        modules.kernel(KERNEL);
        expect(modules.origins.get('scale')).toBe(status === 0 ? 'fatbin' : 'nvrtc');
        return compiled() - start;
      };
      expect(await shipped(222)).toBe((await shipped(0)) + 1);
    });

    test('what fails beforehand is told at its use', async () => {
      fail(6, 'scale.cu(3): error: no such thing');
      const modules = open(driverOf(() => 0).driver);
      await modules.prepare();
      expect(alive()).toBe(0);
      expect(failureOf(() => modules.kernel(KERNEL)).message).toContain('scale.cu(3): error: no such thing');
    });

    test('a second half of NVRTC that does not load is no reason to stop', () => {
      writeFileSync(join(root, 'libnvrtc-builtins.so.13.0'), 'no library');
      expect(openNvrtc(standIn)).toMatchObject({ version: '12.8' });
    });

    test('its code is kept, used again, and made anew where the file is damaged', () => {
      const cacheFolder = join(folder(), 'made', 'when', 'needed');
      const start = compiled();
      const from = (status: (image: string) => number = () => 0) => {
        const { driver, loaded } = driverOf(status);
        const modules = open(driver, { cacheFolder });
        modules.kernel(KERNEL);
        return { origin: modules.origins.get('scale'), loaded };
      };
      expect(from()).toEqual({ origin: 'nvrtc', loaded: ['CODE:scale.cu'] });
      expect(from()).toEqual({ origin: 'cache', loaded: ['CODE:scale.cu'] });
      expect(readdirSync(cacheFolder)).toEqual([expect.stringMatching(/^scale-[0-9a-f]{16}\.cubin$/)]);
      expect(compiled() - start).toBe(1);
      const file = join(cacheFolder, readdirSync(cacheFolder)[0]!);
      const whole = readFileSync(file);
      const flipped = Uint8Array.from(whole);
      flipped[flipped.length - 1]! ^= 1;
      for (const damaged of [whole.subarray(0, -3), whole.subarray(0, 5), new Uint8Array(0), flipped]) {
        writeFileSync(file, damaged);
        // The driver never sees it.
        expect(from()).toEqual({ origin: 'nvrtc', loaded: ['CODE:scale.cu'] });
        expect(readFileSync(file)).toEqual(whole);
      }
      // Whole, and yet refused, as after a change of the driver.
      let first = true;
      const refusedOnce = (): number => {
        const now = first ? 209 : 0;
        first = false;
        return now;
      };
      expect(from(refusedOnce).origin).toBe('nvrtc');
      expect(readdirSync(cacheFolder)).toHaveLength(1);
    });

    test('a cache folder that takes nothing costs time alone', () => {
      const taken = join(folder(), 'file');
      writeFileSync(taken, '');
      const locked = folder();
      chmodSync(locked, 0o500);
      for (const cacheFolder of [taken, join(taken, 'below'), ...(isRoot ? [] : [locked])]) {
        const { driver } = driverOf(() => 0);
        const modules = open(driver, { cacheFolder });
        modules.kernel(KERNEL);
        expect(modules.origins.get('scale')).toBe('nvrtc');
      }
      expect(readdirSync(locked)).toEqual([]);
      chmodSync(locked, 0o700);
    });

    test('a file that cannot take its place leaves nothing half-written', () => {
      const cacheFolder = folder();
      const { driver } = driverOf(() => 0);
      open(driver, { cacheFolder }).kernel(KERNEL);
      const [name] = readdirSync(cacheFolder);
      rmSync(join(cacheFolder, name!));
      // A folder where the file should be.
      mkdirSync(join(cacheFolder, name!, 'in the way'), { recursive: true });
      open(driver, { cacheFolder }).kernel(KERNEL);
      expect(readdirSync(cacheFolder)).toEqual([name]);
    });

    test('code that the driver refuses too: what to do, and nothing is kept', () => {
      const cacheFolder = folder();
      const { driver } = driverOf(() => 222);
      const error = failureOf(() => open(driver, { cacheFolder }).kernel(KERNEL));
      expect(error).toMatchObject({ status: 222 });
      expect(error.hint).toContain('update the NVIDIA driver, or install the NVRTC of its CUDA version');
      expect(readdirSync(cacheFolder)).toEqual([]);
    });

    test('a source that does not compile: the first error in one line', () => {
      fail(6, 'warning: something\nscale.cu(3): error: no such thing\nscale.cu(9): error: more');
      const { driver } = driverOf(() => 0);
      const error = failureOf(() => open(driver).kernel(KERNEL));
      expect(error.message).toBe(
        '[cuda] NVRTC 12.8 cannot compile scale.cu for compute capability 9.0: scale.cu(3): error: no such thing; install the NVRTC of CUDA 12.4 or newer',
      );
      expect(alive()).toBe(0);
    });
  });
});

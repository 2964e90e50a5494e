import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { matmulSizes, OutOfMemoryError } from '@qsparse/core';
import { afterEach, describe, expect, test } from 'vitest';
import { CudaError } from '../../src/driver/errors.ts';
import type { GemmOptions } from '../../src/matmul/gemm.ts';
import { type GemmPlan, type GemmStart, gemmPlan } from '../../src/matmul/plan.ts';
import { type EmulatedGemm, missing, openControl, openGemm } from './emulated-gemm.ts';

const [M, N, K] = [8, 12, 64];
const PLAIN = { transposeA: false, transposeB: false };

function planOf(start: GemmStart, other: Partial<GemmPlan> = {}): GemmPlan {
  return { ...gemmPlan(matmulSizes([M, K], [K, N], PLAIN), PLAIN, 'f32', 'f32', start), ...other };
}

/** Numbers whose sums depend on their order. */
const rough = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed) * 10 ** ((i * 7) % 5));

const opened: EmulatedGemm[] = [];
const folders: string[] = [];
function open(options: Partial<GemmOptions> = {}): EmulatedGemm {
  const made = openGemm(options);
  opened.push(made);
  return made;
}
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'qsparse-gemm-'));
  folders.push(made);
  return made;
}

function operands(device: EmulatedGemm) {
  const a = device.floats(rough(M * K, 1));
  const b = device.floats(rough(K * N, 2));
  const c = device.floats(rough(M * N, 3));
  return { a, b, c, addresses: { a: a.address, b: b.address, c: c.address, d: c.address } };
}

/** The sum that algorithm 0 gives: float32, from the first to the last. */
function expected(a: Float32Array, b: Float32Array, c: Float32Array, start: GemmStart): Float32Array {
  return c.map((before, at) => {
    const [i, j] = [Math.floor(at / N), at % N];
    let sum = 0;
    for (let l = 0; l < K; l++) sum = Math.fround(sum + Math.fround(a[i * K + l]! * b[l * N + j]!));
    return start === 'zero' ? sum : Math.fround(sum + before);
  });
}

describe.skipIf(missing)('products through cuBLASLt', () => {
  afterEach(() => {
    const control = openControl();
    for (const device of opened.splice(0)) device.close();
    for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
    control.slow(0);
    control.fail({});
    expect(control.live()).toBe(0);
  });

  test('say which library computes them', () => {
    expect(open().gemm.description).toMatch(/^cuBLASLt 13\.1\.0 \(.*\)$/);
  });

  for (const start of ['zero', 'into'] as const) {
    test(`trials do not touch the result: ${start}`, () => {
      const device = open();
      device.control.slow(0b1110);
      const { a, b, c, addresses } = operands(device);
      const before = c.values();
      const work = device.gemm.prepare(planOf(start), addresses)!;
      device.finish();
      if (start === 'into') expect(c.values()).toEqual(before);
      work();
      device.finish();
      expect(device.control.lastAlgorithm()).toBe(0);
      expect(c.values()).toEqual(expected(a.values(), b.values(), before, start));
    });
  }

  test('add reads c and leaves it alone', () => {
    const device = open();
    device.control.slow(0b1110);
    const { a, b, c, addresses } = operands(device);
    const d = device.floats(new Float32Array(M * N).fill(Number.NaN));
    const before = c.values();
    device.gemm.prepare(planOf('add'), { ...addresses, d: d.address })!();
    device.finish();
    expect(c.values()).toEqual(before);
    expect(d.values()).toEqual(expected(a.values(), b.values(), before, 'add'));
  });

  test('the fastest algorithm is taken, and asked for once', () => {
    const device = open();
    device.control.slow(0b0101);
    const { addresses } = operands(device);
    device.gemm.prepare(planOf('zero'), addresses)!();
    expect(device.control.lastAlgorithm()).toBe(1);
    const asked = device.control.calls('cublasLtMatmulAlgoGetHeuristic');
    const products = device.control.calls('cublasLtMatmul');
    device.gemm.prepare(planOf('zero'), addresses)!();
    expect(device.control.calls('cublasLtMatmulAlgoGetHeuristic')).toBe(asked);
    expect(device.control.calls('cublasLtMatmul')).toBe(products + 1);
    device.gemm.prepare(planOf('into'), addresses)!();
    expect(device.control.calls('cublasLtMatmulAlgoGetHeuristic')).toBe(asked + 1);
  });

  test('no algorithm that adds in the dtype of the result is ever proposed', () => {
    const device = open();
    device.control.slow(0b0111);
    const { addresses } = operands(device);
    device.gemm.prepare(planOf('zero'), addresses)!();
    expect(device.control.lastAlgorithm()).not.toBe(3);
  });

  test('untimed, and while a program is recorded, the first proposal is taken without a trial', () => {
    for (const options of [{ timed: false }, { isCapturing: () => true }]) {
      const device = open(options);
      device.control.slow(0b0001);
      const { addresses } = operands(device);
      const before = device.control.calls('cublasLtMatmul');
      device.gemm.prepare(planOf('into'), addresses)!();
      expect(device.control.lastAlgorithm()).toBe(0);
      expect(device.control.calls('cublasLtMatmul')).toBe(before + 1);
    }
  });

  test('what a recording took stays, so that the program and eager calls agree', () => {
    let capturing = true;
    const device = open({ isCapturing: () => capturing });
    device.control.slow(0b0001);
    const { addresses } = operands(device);
    device.gemm.prepare(planOf('zero'), addresses)!();
    capturing = false;
    device.gemm.prepare(planOf('zero'), addresses)!();
    expect(device.control.lastAlgorithm()).toBe(0);
  });

  test('a restarted run repeats the choice, whatever is fastest now', () => {
    const cacheFolder = folder();
    const first = open({ cacheFolder });
    first.control.slow(0b0101);
    first.gemm.prepare(planOf('zero'), operands(first).addresses)!();
    expect(first.control.lastAlgorithm()).toBe(1);
    first.control.slow(0b0010);
    const asked = first.control.calls('cublasLtMatmulAlgoGetHeuristic');
    const second = open({ cacheFolder });
    second.gemm.prepare(planOf('zero'), operands(second).addresses)!();
    expect(second.control.lastAlgorithm()).toBe(1);
    expect(second.control.calls('cublasLtMatmulAlgoGetHeuristic')).toBe(asked);
    const untimed = open({ cacheFolder, timed: false });
    untimed.gemm.prepare(planOf('zero'), operands(untimed).addresses)!();
    expect(untimed.control.lastAlgorithm()).toBe(0);
  });

  test('a kept algorithm that cuBLASLt no longer takes is chosen anew', () => {
    const cacheFolder = folder();
    const first = open({ cacheFolder });
    first.gemm.prepare(planOf('zero'), operands(first).addresses)!();
    const file = join(cacheFolder, readdirSync(cacheFolder)[0]!);
    const other = Buffer.alloc(64, 7).toString('base64');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/"algorithm": "[^"]+"/, `"algorithm": "${other}"`),
    );
    const second = open({ cacheFolder });
    const { a, b, c, addresses } = operands(second);
    second.control.slow(0b0110);
    second.gemm.prepare(planOf('zero'), addresses)!();
    second.finish();
    expect(c.values()).toEqual(expected(a.values(), b.values(), c.values(), 'zero'));
    expect(readFileSync(file, 'utf8')).not.toContain(other);
  });

  test('algorithms that need more workspace than there is are not taken', () => {
    const device = open({ workspaceBytes: 64 });
    device.control.slow(0b0011);
    device.gemm.prepare(planOf('zero'), operands(device).addresses)!();
    expect([0, 1]).toContain(device.control.lastAlgorithm());
  });

  test('operands that are less aligned than 16 bytes are left to the own kernels', () => {
    const device = open();
    const { addresses } = operands(device);
    for (const name of ['a', 'b', 'c', 'd'] as const)
      expect(
        device.gemm.prepare(planOf('zero'), { ...addresses, [name]: addresses[name] + 4 }),
      ).toBeUndefined();
  });

  test('a product that cuBLASLt does not take is left to the own kernels, and asked about once', () => {
    const device = open();
    device.control.fail({ cublasLtMatmulAlgoGetHeuristic: 15 });
    const { addresses } = operands(device);
    expect(device.gemm.prepare(planOf('zero'), addresses)).toBeUndefined();
    const asked = device.control.calls('cublasLtMatmulAlgoGetHeuristic');
    expect(device.gemm.prepare(planOf('zero'), addresses)).toBeUndefined();
    expect(device.control.calls('cublasLtMatmulAlgoGetHeuristic')).toBe(asked);
  });

  test('so is one whose every proposal fails when tried', () => {
    const device = open();
    device.control.fail({ cublasLtMatmul: 15 });
    expect(device.gemm.prepare(planOf('into'), operands(device).addresses)).toBeUndefined();
  });

  test('without memory for a trial, the first proposal is taken', () => {
    const device = open({
      alloc() {
        throw new OutOfMemoryError('cuda', 'full');
      },
    });
    device.control.slow(0b0001);
    device.gemm.prepare(planOf('into'), operands(device).addresses)!();
    expect(device.control.lastAlgorithm()).toBe(0);
  });

  test('a failed call names itself, the status and what was asked', () => {
    const device = open();
    const { addresses } = operands(device);
    const work = device.gemm.prepare(planOf('zero'), addresses)!;
    device.control.fail({ cublasLtMatmul: 13 });
    expect(work).toThrow(CudaError);
    expect(work).toThrow(
      /^\[cuda\] cublasLtMatmul of f32>f32 8x12x64 NN zero .* failed with CUBLAS_STATUS_EXECUTION_FAILED \(13\); /,
    );
    device.control.fail({ cublasLtMatmulAlgoGetHeuristic: 14 });
    expect(() => device.gemm.prepare(planOf('add'), addresses)).toThrow(
      /cublasLtMatmulAlgoGetHeuristic of 8 x 12 x 64 failed with CUBLAS_STATUS_INTERNAL_ERROR \(14\)/,
    );
  });

  test('a library that does not start leaves nothing behind', () => {
    const device = open();
    device.control.fail({ cublasLtCreate: 1 });
    const { addresses } = operands(device);
    expect(() => device.gemm.prepare(planOf('zero'), addresses)).toThrow(
      /cublasLtCreate failed with CUBLAS_STATUS_NOT_INITIALIZED \(1\)/,
    );
    device.control.fail({ cublasLtMatrixLayoutCreate: 3 });
    expect(() => device.gemm.prepare(planOf('zero'), addresses)).toThrow(/cublasLtMatrixLayoutCreate/);
    device.control.fail({});
    expect(device.gemm.prepare(planOf('zero'), addresses)).toBeDefined();
  });

  test('switched off or missing, cuBLASLt takes nothing and says why', () => {
    const off = open({ enabled: false });
    expect(off.gemm.prepare(planOf('zero'), operands(off).addresses)).toBeUndefined();
    expect(off.gemm.description).toBe('own kernels (cuBLASLt is switched off)');
    const none = open({ path: '/nowhere/libcublasLt.so' });
    expect(none.gemm.prepare(planOf('zero'), operands(none).addresses)).toBeUndefined();
    expect(none.gemm.description).toMatch(/^own kernels, which are slower: \/nowhere\/libcublasLt\.so: /);
    const wrong = open({ path: 'libc.so.6' });
    expect(wrong.gemm.description).toMatch(/^own kernels, which are slower: libc\.so\.6: .*cublasLt/);
  });
});

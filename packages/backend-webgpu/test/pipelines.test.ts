/** What becomes of WebGPU's messages: the op, the kernel, and the line of the file that a person would open. */
import { readdirSync, readFileSync } from 'node:fs';
import { KernelError, webgpuDevice } from '@qsparse/backend-webgpu';
import { add, empty, QSparseError } from '@qsparse/core';
import { expect, test, vi } from 'vitest';
import { MODULES } from '../src/generated/kernels.ts';
import { kernelError, labelOf } from '../src/pipelines.ts';

const kernels = new URL('../src/kernels/', import.meta.url);
const files = new Map(
  readdirSync(kernels)
    .filter((name) => name.endsWith('.wgsl'))
    .map((name) => [name, readFileSync(new URL(name, kernels), 'utf8').split('\n')]),
);
const bare = (line: string | undefined): string | undefined => line?.replace(/\/\/.*$/, '').trim();

test('every line of every module is found in its file', () => {
  const seen = new Set<string>();
  for (const [module, { source }] of Object.entries(MODULES)) {
    for (const [i, text] of source.split('\n').entries()) {
      if (text === '' || /^(\/\/|enable|requires|diagnostic)/.test(text)) continue;
      const { line } = kernelError(`Error while parsing WGSL: :${i + 1}:3 error: no\n "${module}"`);
      const [, file = '', at, rest] = /^([\w-]+\.wgsl):(\d+) (.*)$/s.exec(line ?? '') ?? [];
      expect(rest).toBe(text);
      expect(bare(files.get(file)?.[Number(at) - 1]), `${module}: ${line}`).toBe(text);
      seen.add(file);
    }
  }
  expect(seen.size).toBeGreaterThan(Object.keys(MODULES).length);
});

test('messages without a place, a line or a kernel are told as they are', () => {
  expect(kernelError(':9999:1 error: no\n"fill"').line).toBeUndefined();
  expect(kernelError(':0:1 error: no\n"fill"').line).toBeUndefined();
  const unknown = kernelError('[Buffer "tensor of 4 bytes"] is destroyed.\n more');
  expect(unknown).toMatchObject({ kernel: '', op: '', line: undefined });
  expect(unknown.message).toBe('[webgpu] [Buffer "tensor of 4 bytes"] is destroyed.; please report this');
  expect(kernelError(`x "${labelOf('sum', 'reduce-last.sum')}"`)).toMatchObject({
    kernel: 'reduce-last.sum',
    op: 'sum',
  });
});

async function failureOf(work: () => unknown): Promise<KernelError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof QSparseError) return error as KernelError;
  }
  throw new Error('nothing was thrown');
}

test('a kernel that does not compile: the op that needed it, and the line in an included file', async () => {
  const device = await webgpuDevice({ flags: ['backend=null'] });
  const make = device.gpu.createShaderModule.bind(device.gpu);
  vi.spyOn(device.gpu, 'createShaderModule').mockImplementation(({ label = '', code }) =>
    make({ label, code: code.replace('return (group.x', 'return ?(group.x') }),
  );
  const x = empty(device, 'f32', [3]);
  add(x, x);
  const error = await failureOf(() => device.settled().then(() => device.settled()));
  const line = files.get('flat.wgsl')!.findIndex((text) => text.includes('return (group.x')) + 1;
  expect(error).toBeInstanceOf(KernelError);
  expect(error).toMatchObject({ op: 'binary', kernel: 'binary' });
  expect(error.line).toMatch(new RegExp(`^flat\\.wgsl:${line} return \\(group\\.x`));
  expect(error.message).toContain('[webgpu] binary: kernel binary: ');
  device.dispose();
});

test('a launch that WebGPU refuses: its op and its kernel', async () => {
  const device = await webgpuDevice({ flags: ['backend=null'] });
  const x = empty(device, 'f32', [3]);
  add(x, x);
  await device.settled();
  const group = device.gpu.createBindGroup.bind(device.gpu);
  vi.spyOn(device.gpu, 'createBindGroup').mockImplementation((descriptor) =>
    group({ ...descriptor, entries: [...descriptor.entries].slice(1) }),
  );
  add(x, x);
  const error = await failureOf(() => device.settled().then(() => device.settled()));
  expect(error).toMatchObject({ op: 'binary' });
  expect(error.kernel).toMatch(/^binary\.\w+/);
  device.dispose();
});

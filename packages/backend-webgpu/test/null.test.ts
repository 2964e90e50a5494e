/**
 * Every kernel that a conformance case launches, with every set of constants, compiled and validated by Dawn's null
 * backend: no driver, no result. Each set of options is a device that some machine has.
 */
import { type WebGpuDevice, type WebGpuOptions, webgpuDevice } from '@qsparse/backend-webgpu';
import { opCases } from '@qsparse/conformance';
import { asView, type DType, empty, type Tensor, type View } from '@qsparse/core';
import { expect, test } from 'vitest';
import { MODULES } from '../src/generated/kernels.ts';

const FLAGS = ['backend=null'];
const DEVICES: Readonly<Record<string, WebGpuOptions>> = {
  'with everything': {},
  'with nothing but core WebGPU and f32': { without: ['subgroups', 'f16', 'dot8', 'timestamps'] },
  'without barriers, as software adapters have it': { barrierFree: true },
  'with bindings of 8 KiB': { maxBinding: 8192 },
};
for (const [name, options] of Object.entries(DEVICES)) {
  test(`every kernel compiles ${name}`, async () => {
    const device = await webgpuDevice({ flags: FLAGS, ...options });
    const tolerated = options.maxBinding === undefined ? undefined : 'maxStorageBufferBindingSize';
    for (const { cases } of opCases()) {
      for (const opCase of cases) if (!opCase.bf16) launch(device, opCase, tolerated);
      // Errors come with an event: the device throws them from then on.
      await device.settled();
    }
    expect(device.pipelines.length).toBeGreaterThan(100);
    device.dispose();
  });
}

test('every entry point compiles with the constants that it has by itself', async () => {
  const device = await webgpuDevice({ flags: FLAGS });
  const keys = Object.entries(MODULES)
    .filter(([, { source }]) => !source.includes('subgroup_matrix'))
    .flatMap(([module, { source }]) =>
      [...source.matchAll(/@compute[^{;]*?\bfn\s+(\w+)/g)].map(([, entry]) => ({
        module,
        entry: entry!,
        constants: {},
      })),
    );
  let last = { done: 0, total: 0 };
  await device.warmup(keys, (progress) => {
    last = progress;
  });
  expect(last).toEqual({ done: keys.length, total: keys.length });
  device.dispose();
});

test('subgroup matrices compile where the experiment is asked for, in every form of a product', async () => {
  const device = await webgpuDevice({ flags: FLAGS, experimental: { subgroupMatrix: true } });
  // This backend names no form, since it has no hardware; it takes every one.
  expect(device.report().join('\n')).toContain('subgroup matrices: the adapter offers none');
  expect(device.variant.matrixSide).toBeUndefined();
  const flags = [0, 1];
  const keys = ['matmul-matrices-8', 'matmul-matrices-16'].flatMap((module) =>
    flags.flatMap((transpose_a) =>
      flags.flatMap((transpose_b) =>
        flags.map((accumulate) => {
          const constants = { transpose_a, transpose_b, accumulate, threads: 128 };
          return { module, entry: 'matmul_matrices', constants };
        }),
      ),
    ),
  );
  await device.warmup(keys);
  await device.settled();
  expect(device.pipelines).toHaveLength(keys.length);
  device.dispose();
});

/** Through the kernel itself: core would run a composite. */
function launch(
  device: WebGpuDevice,
  { op, ins, attrs, shares = {} }: ReturnType<typeof opCases>[number]['cases'][number],
  tolerated: string | undefined,
): void {
  const kernel = device.kernel(op);
  if (!kernel) return;
  const tensors: Record<string, Tensor> = {};
  const make = (dtype: DType, shape: readonly number[]): Tensor => empty(device, dtype, shape);
  for (const [name, { dtype, shape }] of Object.entries(ins)) tensors[name] = make(dtype, shape);
  for (const [name, other] of Object.entries(shares)) tensors[name] = tensors[other]!;
  const made = new Set(Object.values(tensors));
  const outs: Record<string, View> = {};
  const inPlace = (op.inPlace ?? {}) as Readonly<Record<string, string>>;
  for (const [name, type] of Object.entries(op.infer(tensors as never, attrs as never))) {
    const out = tensors[inPlace[name] ?? ''] ?? make(type.dtype, type.shape);
    made.add(out);
    outs[name] = asView(out);
  }
  const views = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, asView(tensor)]));
  try {
    kernel(views, outs, attrs as never);
  } catch (error) {
    if ((error as { limit?: string }).limit !== tolerated || tolerated === undefined) throw error;
  }
  for (const tensor of made) tensor.dispose();
}

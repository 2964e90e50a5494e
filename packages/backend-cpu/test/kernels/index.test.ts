import * as core from '@qsparse/core';
import * as quantizers from '@qsparse/quantizers';
import { expect, test } from 'vitest';
import { coreKernels, kernelsByOp, quantizerKernels } from '../../src/kernels/index.ts';

test('each entry is the kernel of the op it is filed under, and only fused ops have none', () => {
  const ops: Record<string, unknown> = { ...core, ...quantizers };
  const kernels: Record<string, { readonly op: core.AnyOp }> = { ...coreKernels, ...quantizerKernels };
  for (const [name, { op }] of Object.entries(kernels)) expect(op, name).toBe(ops[name]);
  const without = Object.keys(ops).filter((name) => name.endsWith('Op') && !(name in kernels));
  expect(without).toEqual(['concatOp']);
  for (const name of without) expect((ops[name] as core.AnyOp).composite, name).toBeTypeOf('function');
  expect(kernelsByOp.size).toBe(Object.keys(kernels).length);
});

test('a primitive without a kernel is a type error', () => {
  const { matmulOp: _, ...rest } = coreKernels;
  // @ts-expect-error: matmulOp is missing
  const incomplete: typeof coreKernels = rest;
  const { attentionOp: __, ...composites } = coreKernels;
  const complete: typeof coreKernels = composites; // a fused op may run its composite
  const others = Object.keys(coreKernels).length - 1;
  expect([Object.keys(incomplete).length, Object.keys(complete).length]).toEqual([others, others]);
});

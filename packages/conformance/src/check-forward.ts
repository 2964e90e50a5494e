/**
 * An op's results against its float64 reference: through the kernel itself with guarded inputs and poisoned outputs,
 * and through `run` as user code has it. Inputs that the op does not change must not change.
 */
import { asView, type Device, noGrad, run, scope, sizeOf, type Tensor, type Type } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { dirtyPool, type Guarded, guardedPoison, guardedValues } from './guarded.ts';
import type { AnyCase } from './op-case.ts';
import { type Accuracy, accuracyOf, requireNear } from './tolerance.ts';

/** What must be there afterwards: outputs and changed inputs by name, rounded to their dtype. */
type Expected = Readonly<Record<string, ArrayLike<number>>>;

const remembered = new WeakMap<AnyCase, Promise<Expected>>();

/** From the reference device; computed once for all devices under test. */
function expectedOf(opCase: AnyCase): Promise<Expected> {
  let expected = remembered.get(opCase);
  if (!expected) {
    expected = computeExpected(opCase);
    remembered.set(opCase, expected);
  }
  return expected;
}

async function computeExpected(opCase: AnyCase): Promise<Expected> {
  const device = referenceDevice();
  const { tensors } = place(device, opCase, 0);
  const outs = runOp(opCase, tensors);
  return await readAll({ ...changed(opCase, tensors), ...outs });
}

/** Inputs by name; those that share are one tensor. */
export function place(
  device: Device,
  { ins, shares }: AnyCase,
  shift: number,
): { readonly guards: Record<string, Guarded>; readonly tensors: Record<string, Tensor> } {
  const guards: Record<string, Guarded> = {};
  for (const [name, values] of Object.entries(ins)) guards[name] = guardedValues(device, values, shift);
  const tensors = Object.fromEntries(Object.entries(guards).map(([name, { tensor }]) => [name, tensor]));
  for (const [name, other] of Object.entries(shares ?? {})) tensors[name] = tensors[other]!;
  return { guards, tensors };
}

/** Through core, in a scope of its own: what a composite makes on the way is freed. The caller owns the outputs. */
export function runOp(opCase: AnyCase, tensors: Record<string, Tensor>): Record<string, Tensor> {
  return scope(() => noGrad(() => run(opCase.op, tensors, opCase.attrs)));
}

/** Names of the inputs that an op writes to, by design, when they are given. */
export function written({ op, ins, shares }: AnyCase): readonly string[] {
  const names = [...(op.mutates ?? []), ...Object.values(op.inPlace ?? {})] as string[];
  return names.filter((name) => name in ins || name in (shares ?? {}));
}

/** The tensors behind those names. */
export function changed(opCase: AnyCase, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(written(opCase).map((name) => [name, tensors[name]!]));
}

export async function readAll(
  tensors: Readonly<Record<string, Tensor>>,
): Promise<Record<string, ArrayLike<number>>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => [name, await tensor.data()] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function outputTypes({ op, attrs }: AnyCase, tensors: Readonly<Record<string, Type>>): Record<string, Type> {
  return op.infer(tensors as never, attrs) as Record<string, Type>;
}

/** Elements by which views are shifted against 256 bytes: none, and an odd number. */
const SHIFTS = [0, 3];

export async function checkKernel(
  device: Device,
  opCase: AnyCase,
  accuracy: Accuracy | undefined,
): Promise<void> {
  const kernel = device.kernel(opCase.op);
  if (!kernel) return;
  const expected = await expectedOf(opCase);
  for (const shift of SHIFTS) {
    const { guards, tensors } = place(device, opCase, shift);
    const inPlace = (opCase.op.inPlace ?? {}) as Record<string, string>;
    const outGuards: Record<string, Guarded> = {};
    const outs: Record<string, Tensor> = {};
    for (const [name, type] of Object.entries(outputTypes(opCase, tensors))) {
      const target = tensors[inPlace[name] ?? ''];
      if (!target) outGuards[name] = guardedPoison(device, type, shift);
      outs[name] = target ?? outGuards[name]!.tensor;
    }
    kernel(viewsOf(tensors), viewsOf(outs), opCase.attrs as never);
    for (const [name, guard] of Object.entries(outGuards)) {
      const { dtype } = guard.tensor;
      requireNear(name, await guard.read(`output ${name}`), expected[name]!, accuracyOf(dtype, accuracy));
      guard.dispose();
    }
    await checkInputs(opCase, guards, expected, accuracy);
  }
}

/** Inputs afterwards: changed ones as expected, the others as they were, nothing around them touched. */
async function checkInputs(
  opCase: AnyCase,
  guards: Readonly<Record<string, Guarded>>,
  expected: Expected,
  accuracy: Accuracy | undefined,
): Promise<void> {
  const targets = new Map(written(opCase).map((name) => [opCase.shares?.[name] ?? name, name]));
  for (const [name, guard] of Object.entries(guards)) {
    const now = await guard.read(`input ${name}`);
    const by = targets.get(name);
    if (by) {
      requireNear(`input ${name}`, now, expected[by]!, accuracyOf(guard.tensor.dtype, accuracy));
    } else requireNear(`unchanged input ${name}`, now, opCase.ins[name]!.elements, 'exact');
    guard.dispose();
  }
}

export async function checkRun(
  device: Device,
  opCase: AnyCase,
  accuracy: Accuracy | undefined,
): Promise<void> {
  const expected = await expectedOf(opCase);
  const { guards, tensors } = place(device, opCase, 0);
  const types = outputTypes(opCase, tensors);
  dirtyPool(
    device,
    Object.values(types).map(({ shape }) => sizeOf(shape)),
  );
  const outs = runOp(opCase, tensors);
  for (const [name, type] of Object.entries(types)) {
    const out = outs[name]!;
    if (out.dtype !== type.dtype || out.shape.join() !== type.shape.join()) {
      throw new Error(`${name} must be ${type.dtype} [${type.shape}], got ${out.dtype} [${out.shape}]`);
    }
    requireNear(name, await out.data(), expected[name]!, accuracyOf(type.dtype, accuracy));
    out.dispose();
  }
  await checkInputs(opCase, guards, expected, accuracy);
}

function viewsOf(tensors: Readonly<Record<string, Tensor>>) {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, asView(tensor)]));
}

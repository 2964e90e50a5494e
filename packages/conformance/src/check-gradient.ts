/**
 * Gradient rules run on the device, against the same rules on the reference device (which core's own tests check
 * against finite differences). Each op is differentiated twice: with parameters as inputs, where a rule may add into
 * their gradients, and with intermediate results, where it may not.
 */
import {
  backward,
  cast,
  type Device,
  multiply,
  type Param,
  paramArena,
  run,
  scale,
  scope,
  sizeOf,
  sum,
  type Tensor,
  type Type,
  tensor,
  write,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import type { AnyCase, Values } from './op-case.ts';
import { type Accuracy, accuracyOf, GRADIENT_FACTOR, loosened, requireNear } from './tolerance.ts';

/** Gradients start from this, not from 0: rules must add. */
const START = 0.5;

/** Gradients by input; or what was thrown, since an op may refuse to be differentiated. */
type Gradients = Readonly<Record<string, ArrayLike<number>>> | Error;

/** Inputs that a gradient can be asked of: floats that the op does not write to. */
export function differentiable({
  op,
  ins,
  shares,
  forwardOnly,
}: AnyCase): readonly (readonly [string, Values])[] {
  if (!op.vjp || op.mutates || forwardOnly) return [];
  const targets = Object.values(op.inPlace ?? {}) as string[];
  return Object.entries(ins).filter(
    ([name, { dtype }]) =>
      (dtype === 'f32' || dtype === 'bf16') && !targets.includes(name) && !(name in (shares ?? {})),
  );
}

/** Fixed uneven weights, exact in every float, of the shape of the output that the loss is built from: the first one. */
export function lossWeights(device: Device, { op, ins, attrs }: AnyCase): Tensor {
  const [type] = Object.values(op.infer(ins, attrs) as Record<string, Type>);
  const weights = Float64Array.from(
    { length: sizeOf(type!.shape) },
    (_, i) => (((i + 1) * 37) % 101) / 64 - 0.75,
  );
  return tensor(device, weights, type!.shape);
}

/** The number that is differentiated: Σ weights · (first output). */
export function lossOf(outs: Readonly<Record<string, Tensor>>, weights: Tensor): Tensor {
  return sum(multiply(cast(Object.values(outs)[0]!, 'f32'), weights));
}

/** What an op sees of a parameter, which is always f32. `indirect`: the result of another op. */
export function inputFrom(param: Tensor, { dtype }: Values, indirect: boolean): Tensor {
  return cast(indirect ? scale(param, 1) : param, dtype === 'bf16' ? 'bf16' : 'f32');
}

async function gradientsOn(device: Device, opCase: AnyCase, indirect: boolean): Promise<Gradients> {
  const inputs = differentiable(opCase);
  const arena = paramArena(
    device,
    inputs.map(([name, { shape }]) => ({ name, shape })),
  );
  try {
    for (const [name, { elements }] of inputs) write(arena.params.get(name)!, elements);
    write(arena.grads, new Float64Array(arena.grads.size).fill(START));
    try {
      scope(() => {
        const ins = constants(device, opCase);
        for (const [name, values] of inputs) ins[name] = inputFrom(arena.params.get(name)!, values, indirect);
        for (const [name, other] of Object.entries(opCase.shares ?? {})) ins[name] = ins[other]!;
        const outs = run(opCase.op, ins, opCase.attrs);
        backward(lossOf(outs, lossWeights(device, opCase)), arena.params.values());
      });
    } catch (error) {
      return error as Error;
    }
    await requireUntouched(arena.grads, [...arena.params.values()], arena.offsets);
    const grads: Record<string, ArrayLike<number>> = {};
    for (const [name] of inputs) grads[name] = await arena.params.get(name)!.grad.data();
    return grads;
  } finally {
    arena.dispose();
  }
}

/** The inputs without a gradient. */
function constants(device: Device, { ins }: AnyCase): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(ins).map(([name, { dtype, shape, elements }]) => [
      name,
      tensor(device, elements, shape, dtype),
    ]),
  );
}

/** Nothing in the arena but the parameters' own gradients was written. */
async function requireUntouched(
  grads: Tensor,
  params: readonly Param[],
  offsets: ReadonlyMap<string, number>,
): Promise<void> {
  const all = (await grads.data()).slice();
  for (const { name, shape } of params) {
    all.fill(START, offsets.get(name)!, offsets.get(name)! + sizeOf(shape));
  }
  const at = all.findIndex((element) => element !== START);
  if (at >= 0)
    throw new Error(`element ${at} of the gradient arena was written, and belongs to no parameter`);
}

const remembered = new WeakMap<AnyCase, [Promise<Gradients>, Promise<Gradients>]>();

/** From the reference device, directly and indirectly; computed once for all devices under test. */
export function expectedGradients(opCase: AnyCase): [Promise<Gradients>, Promise<Gradients>] {
  let expected = remembered.get(opCase);
  if (!expected) {
    const device = referenceDevice();
    expected = [gradientsOn(device, opCase, false), gradientsOn(device, opCase, true)];
    remembered.set(opCase, expected);
  }
  return expected;
}

export async function checkGradients(
  device: Device,
  opCase: AnyCase,
  accuracy: Accuracy | undefined,
): Promise<void> {
  for (const [i, indirect] of [false, true].entries()) {
    const expected = await expectedGradients(opCase)[i]!;
    const got = await gradientsOn(device, opCase, indirect);
    if (expected instanceof Error || got instanceof Error) {
      if (String(got) === String(expected)) continue;
      throw new Error(`backward must give ${describe(expected)}, got ${describe(got)}`);
    }
    for (const [name, { dtype }] of differentiable(opCase)) {
      // An op that is exact forward is so backward too, but for the sums that the loss and broadcasts add.
      const given = accuracy === 'exact' ? undefined : accuracy;
      const limit = loosened(accuracyOf(dtype, given), GRADIENT_FACTOR);
      const how = indirect ? 'an intermediate result' : 'a parameter';
      requireNear(`gradient of ${name} as ${how}`, got[name]!, expected[name]!, limit);
    }
  }
}

function describe(gradients: Gradients): string {
  return gradients instanceof Error ? `the error "${gradients}"` : 'gradients';
}

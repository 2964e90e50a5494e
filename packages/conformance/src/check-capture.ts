/**
 * A captured op, and its gradient where it has one, against the eager one on the same device: equal to the bit over
 * the first call, the recording and several replays with inputs that change from call to call.
 */
import {
  backward,
  type Captured,
  capture,
  cast,
  copy,
  copyInto,
  type Device,
  fillWith,
  type ParamArena,
  paramArena,
  run,
  scope,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { changed, readAll, written } from './check-forward.ts';
import { differentiable, expectedGradients, inputFrom, lossOf, lossWeights } from './check-gradient.ts';
import type { AnyCase, Values } from './op-case.ts';

/** The extra input that carries the weights of the loss: a captured body can make no tensor from host numbers. */
const WEIGHTS = 'weights of the loss';
type Tensors = Readonly<Record<string, Tensor>>;
type Body = (given: Tensors) => Record<string, Tensor>;

/** The first of the calls runs, the second records, the others replay. */
const CALLS = ['given', 'reversed', 'given', 'reversed', 'given'] as const;

export async function checkCapture(device: Device, opCase: AnyCase): Promise<void> {
  const inputs = (await hasGradients(opCase)) ? differentiable(opCase) : [];
  const arena =
    inputs.length > 0
      ? paramArena(
          device,
          inputs.map(([name, { shape }]) => ({ name, shape })),
        )
      : undefined;
  const variants = { given: place(device, opCase, false), reversed: place(device, opCase, true) };
  const body = bodyOf(opCase, inputs, arena);
  const captured: Captured<Tensors, Record<string, Tensor>> = capture(body);
  try {
    const eager = {
      given: await runEager(body, variants.given),
      reversed: await runEager(body, variants.reversed),
    };
    for (const [call, variant] of CALLS.entries()) {
      requireSameBits(`call ${call + 1}`, await readAll(captured(variants[variant])), eager[variant]);
    }
    if (!captured.program) throw new Error('nothing was recorded');
  } finally {
    captured.dispose();
    arena?.dispose();
    for (const tensors of Object.values(variants)) for (const x of Object.values(tensors)) x.dispose();
  }
}

async function hasGradients(opCase: AnyCase): Promise<boolean> {
  if (differentiable(opCase).length === 0) return false;
  return !((await expectedGradients(opCase)[0]) instanceof Error);
}

/** Tensors with the case's values, or with the same values in the opposite order. */
function place(device: Device, opCase: AnyCase, reversed: boolean): Tensors {
  const placed = Object.entries(opCase.ins).map(([name, { dtype, shape, elements }]) => {
    return [name, tensor(device, reversed ? elements.slice().reverse() : elements, shape, dtype)];
  });
  const weights = differentiable(opCase).length > 0 ? { [WEIGHTS]: lossWeights(device, opCase) } : {};
  return { ...Object.fromEntries(placed), ...weights };
}

/** What is captured: the op on copies of what it changes, then gradients of its parameters into the arena. */
function bodyOf(
  opCase: AnyCase,
  inputs: readonly (readonly [string, Values])[],
  arena: ParamArena | undefined,
): Body {
  return ({ [WEIGHTS]: weights, ...given }) => {
    const ins: Record<string, Tensor> = { ...given };
    for (const [name, other] of Object.entries(opCase.shares ?? {})) ins[name] = given[other]!;
    for (const name of written(opCase)) {
      const source = opCase.shares?.[name] ?? name;
      ins[source] = copy(given[source]!);
      ins[name] = ins[source]!;
    }
    for (const [name, values] of inputs) {
      const param = arena!.params.get(name)!;
      copyInto(param, cast(given[name]!, 'f32'));
      ins[name] = inputFrom(param, values, false);
    }
    const outs = run(opCase.op, ins, opCase.attrs) as Record<string, Tensor>;
    const results = { ...outs, ...changed(opCase, ins) };
    if (!arena) return results;
    fillWith(arena.grads, 0);
    backward(lossOf(outs, weights!), arena.params.values());
    return { ...results, 'all gradients': copy(arena.grads) };
  };
}

async function runEager(body: Body, given: Tensors): Promise<Readonly<Record<string, ArrayLike<number>>>> {
  const results = scope(() => body(given));
  const read = await readAll(results);
  for (const result of Object.values(results)) result.dispose();
  return read;
}

function requireSameBits(
  when: string,
  got: Readonly<Record<string, ArrayLike<number>>>,
  expected: Readonly<Record<string, ArrayLike<number>>>,
): void {
  for (const [name, elements] of Object.entries(expected)) {
    const now = got[name]!;
    for (let i = 0; i < elements.length; i++) {
      if (Object.is(now[i], elements[i])) continue;
      throw new Error(`${name}[${i}] must be ${elements[i]} in ${when} as when run eagerly, got ${now[i]}`);
    }
  }
}

/** Wrong use: a device must refuse what core refuses, with core's words, and leave nothing behind. */
import {
  type Device,
  type DType,
  DTypeError,
  empty,
  run,
  type Shape,
  scope,
  type Type,
  tensor,
} from '@qsparse/core';
import type { AnyCase } from './op-case.ts';

const DTYPES: readonly DType[] = ['f32', 'bf16', 'i32', 'i8', 'ternary'];

/** The input types of a case with one thing changed, over and over. */
function* wrongTypes({ ins }: AnyCase): Generator<Record<string, Type>> {
  const types: Record<string, Type> = {};
  for (const [name, { dtype, shape }] of Object.entries(ins)) types[name] = { dtype, shape };
  for (const [name, { dtype, shape }] of Object.entries(types)) {
    for (const other of DTYPES) if (other !== dtype) yield { ...types, [name]: { dtype: other, shape } };
    const wrongShapes: Shape[] = [[...shape, 2], [2, ...shape], shape.slice(1), shape.map((n) => n + 1)];
    for (const wrong of wrongShapes) yield { ...types, [name]: { dtype, shape: wrong } };
  }
}

/** Throws unless every change that core's `infer` refuses is refused alike on the device. Returns how many. */
export function checkErrors(device: Device, opCase: AnyCase): number {
  let refused = 0;
  for (const types of wrongTypes(opCase)) {
    const expected = thrownBy(() => opCase.op.infer(types, opCase.attrs));
    if (!expected) continue;
    refused++;
    const got = thrownBy(() =>
      scope(() => {
        const tensors = Object.entries(types).map(([name, { dtype, shape }]) => [
          name,
          empty(device, dtype, shape),
        ]);
        run(opCase.op, Object.fromEntries(tensors), opCase.attrs);
      }),
    );
    if (String(got) !== String(expected)) throw new Error(`must throw "${expected}", got "${got}"`);
  }
  return refused;
}

/** A case in a dtype that the device does not compute in: refused with a typed error, never computed as another one. */
export function checkRefusal(device: Device, opCase: AnyCase): void {
  const got = thrownBy(() =>
    scope(() => {
      const tensors = Object.entries(opCase.ins).map(([name, { dtype, shape, elements }]) => [
        name,
        tensor(device, elements, shape, dtype),
      ]);
      run(opCase.op, Object.fromEntries(tensors), opCase.attrs);
    }),
  );
  if (!(got instanceof DTypeError)) {
    throw new Error(`a device without bf16 must throw a DTypeError, got ${got ? `"${got}"` : 'a result'}`);
  }
}

function thrownBy(body: () => unknown): Error | undefined {
  try {
    body();
  } catch (error) {
    return error as Error;
  }
  return undefined;
}

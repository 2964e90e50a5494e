/**
 * The three things that ops see without being told: the current scope, whether the tape records, and the trace
 * of a captured body. All are set for the length of a synchronous call and restored by it, never for good.
 */
import type { TapeNode } from './graph.ts';
import type { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** Owns what is made inside it. */
export interface ScopeFrame {
  readonly parent: ScopeFrame | undefined;
  readonly tensors: Set<Tensor>;
  readonly nodes: TapeNode[];
}

/** Sees every op of a captured body. */
export interface Trace {
  /** Called before an op runs, with what it is given and a line that must be the same on every call. */
  step(op: string, signature: string, given: Readonly<Record<string, Tensor>>): void;
  /** Called with all memory that is allocated meanwhile. */
  made(storage: Storage): void;
}

export const ambient: { scope: ScopeFrame | undefined; tape: boolean; trace: Trace | undefined } = {
  scope: undefined,
  tape: true,
  trace: undefined,
};

/** Hands a tensor to the current scope, if there is one; else its caller owns it. */
export function own<T extends Tensor>(tensor: T): T {
  ambient.scope?.tensors.add(tensor);
  return tensor;
}

/** Runs `body` without the tape: what it makes has no gradient. */
export function noGrad<T>(body: () => T): T {
  return withTape(false, body);
}

/** Runs `body` with the tape on or off, whatever is around the call. */
export function withTape<T>(on: boolean, body: () => T): T {
  const before = ambient.tape;
  ambient.tape = on;
  try {
    return body();
  } finally {
    ambient.tape = before;
  }
}

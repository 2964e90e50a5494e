/**
 * Scopes own memory: what a body makes and does not return is freed when it ends. A body is synchronous, since
 * ops only enqueue; nested scopes hand their results to the one around them. The tape of an outermost scope
 * ends with it.
 */
import { ambient, type ScopeFrame } from './ambient.ts';
import { ValueError } from './errors.ts';
import { releaseNode } from './graph.ts';
import { Tensor } from './tensor.ts';

/**
 * Frees what `body` made and does not return; tensors inside returned arrays and plain objects count as returned,
 * those inside other objects do not. Throws when the body is async.
 */
export function scope<T>(body: () => T): T {
  const parent = ambient.scope;
  const frame: ScopeFrame = { parent, tensors: new Set(), nodes: [] };
  ambient.scope = frame;
  let result: T;
  const kept = new Set<Tensor>();
  try {
    result = body();
    if (result instanceof Promise) {
      result.catch(() => {}); // its own failure would only hide this one
      throw new ValueError(
        'scope',
        'the body must be synchronous, got a promise',
        'read results outside the scope',
      );
    }
    collectTensors(result, kept);
  } finally {
    ambient.scope = parent;
    for (const tensor of frame.tensors) {
      if (!kept.has(tensor)) tensor.dispose();
      else parent?.tensors.add(tensor);
    }
    if (parent) parent.nodes.push(...frame.nodes);
    else for (const node of frame.nodes) releaseNode(node);
  }
  return result;
}

/** Takes a tensor out of whichever scope has it: the caller owns it from now on and disposes it. */
export function keep<T extends Tensor>(tensor: T): T {
  for (let frame = ambient.scope; frame; frame = frame.parent) frame.tensors.delete(tensor);
  return tensor;
}

/** Every tensor inside arrays and plain objects. */
export function collectTensors(value: unknown, into: Set<Tensor>): void {
  if (value instanceof Tensor) into.add(value);
  else if (Array.isArray(value)) for (const entry of value) collectTensors(entry, into);
  else if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const entry of Object.values(value)) collectTensors(entry, into);
  }
}

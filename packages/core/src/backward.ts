/**
 * The reverse sweep. It walks the nodes behind a loss from the newest to the oldest, runs each gradient rule,
 * adds what meets, and lets go of saved tensors as soon as they are used.
 */
import { noGrad, own } from './ambient.ts';
import { ShapeError, TapeError } from './errors.ts';
import { releaseNode, type TapeNode, type Value } from './graph.ts';
import type { AnyOp, Pull } from './op.ts';
import { accumulate } from './ops/accumulate.ts';
import { cast } from './ops/cast.ts';
import { copy } from './ops/copy.ts';
import { full } from './ops/fill.ts';
import type { Param } from './param.ts';
import { keep, scope } from './scope.ts';
import { type Shape, sameShape, showShape } from './shape.ts';
import { alias, reshape, type Tensor } from './tensor.ts';

/** A gradient rule that can be walked: `pull` exists. */
type PullRule = { pull(context: Pull<string, string, unknown, string>): Record<string, Tensor> };

/**
 * Adds `scale` · ∂loss/∂param into the gradient of each of `params`, so that micro-batches accumulate. `loss`
 * has one element. Its tape is gone afterwards.
 */
export function backward(
  loss: Tensor,
  params: Iterable<Param>,
  { scale = 1 }: { readonly scale?: number } = {},
): void {
  if (loss.size !== 1)
    throw new ShapeError(
      'backward',
      `the loss must have one element, got ${showShape(loss.shape)}`,
      'reduce it first',
    );
  if (!loss.value)
    throw new TapeError('backward', 'the loss depends on no parameter', 'compute it outside of noGrad()');
  const seed = (gradients: Gradients): void =>
    scope(() => gradients.add(loss.value!, full(loss.device, loss.shape, scale, loss.dtype)));
  walk(loss.value, valuesOf(params), seed, () => {});
}

/**
 * The same from the gradient of any tensor, which this call uses up: adds into the gradients of `params`, and returns that of
 * `leaf`, a value that no op made, where there is one. For rules that walk a tape of their own.
 */
export function backwardThrough(
  y: Tensor,
  dy: Tensor,
  params: Iterable<Param>,
  leaf: Tensor | undefined,
): Tensor | undefined {
  if (!y.value) return undefined;
  const wanted = valuesOf(params);
  if (leaf?.value) wanted.add(leaf.value);
  let dLeaf: Tensor | undefined;
  const seed = (gradients: Gradients): void => {
    gradients.add(y.value!, dy);
    dy.dispose(); // the sweep alone holds it now, as it would without this detour
  };
  walk(y.value, wanted, seed, (gradients) => {
    const sum = leaf?.value && gradients.get(leaf.value);
    if (sum) dLeaf = own(alias(sum));
  });
  return dLeaf;
}

function valuesOf(params: Iterable<Param>): Set<Value> {
  const values = new Set<Value>();
  for (const param of params) if (param.value) values.add(param.value);
  return values;
}

/** The sweep over all nodes behind `value`; `wanted` grows by what lies between. */
function walk(
  value: Value,
  wanted: Set<Value>,
  seed: (gradients: Gradients) => void,
  finish: (gradients: Gradients) => void,
): void {
  const nodes = nodesBehind(value);
  for (const node of [...nodes].reverse()) {
    for (const input of node.inputs.values()) if (isWantedView(input, wanted)) wanted.add(input);
    const needed = [...node.inputs.values()].some((input) => wanted.has(input));
    if (needed) for (const output of node.outputs.values()) wanted.add(output);
  }
  noGrad(() => {
    const gradients = new Gradients(wanted);
    try {
      seed(gradients);
      for (const node of nodes) sweep(node, gradients, wanted);
      finish(gradients);
    } finally {
      gradients.dispose();
    }
  });
}

/** Whether the value is a view over parameters that are wanted. */
function isWantedView({ parts = [] }: Value, wanted: ReadonlySet<Value>): boolean {
  const count = parts.filter((part) => wanted.has(part)).length;
  if (count === 0) return false;
  if (count === parts.length) return true;
  throw new TapeError(
    'backward',
    `a joined view gives its gradient to all of its ${parts.length} parameters, got ${count} of them`,
    'pass all of them or none',
  );
}

/** Every node that the value depends on, newest first. */
function nodesBehind(value: Value): TapeNode[] {
  const found = new Set<TapeNode>();
  const open = value.node ? [value.node] : [];
  for (let node = open.pop(); node; node = open.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs.values()) if (input.node) open.push(input.node);
  }
  return [...found].sort((a, b) => b.order - a.order);
}

function sweep(node: TapeNode, gradients: Gradients, wanted: ReadonlySet<Value>): void {
  const needs = (input: string) => wanted.has(node.inputs.get(input) as Value);
  scope(() => {
    const d: Record<string, Tensor> = {};
    for (const [name, value] of node.outputs) {
      const gradient = gradients.get(value);
      if (gradient) d[name] = own(alias(gradient, node.types[name]!.shape));
      gradients.drop(value);
    }
    if (Object.keys(d).length > 0 && [...node.inputs.keys()].some(needs)) pull(node, d, gradients, needs);
  });
  releaseNode(node);
}

/** Runs the gradient rule of one node and adds what it gives. */
function pull(
  node: TapeNode,
  d: Readonly<Record<string, Tensor>>,
  gradients: Gradients,
  needs: (input: string) => boolean,
): void {
  const saved = node.saved;
  if (!saved) {
    throw new TapeError(
      node.op.name,
      'the tape of this op is gone: it ended with its outermost scope, or backward ran already',
      'call backward once, inside the scope that computed the loss',
    );
  }
  const offered = new Map<string, Tensor | undefined>();
  const pulled = ((node.op as AnyOp).vjp as unknown as PullRule).pull({
    d,
    saved,
    types: node.types,
    attrs: node.attrs,
    needs,
    into: (input) => {
      if (!needs(input)) return undefined;
      if (!offered.has(input)) {
        offered.set(input, gradients.target(node.inputs.get(input)!, node.types[input]!.shape));
      }
      return offered.get(input);
    },
    takeOver: (name) => (saved[name]?.storage.claims === 1 ? saved[name] : undefined),
  });
  for (const [input, gradient] of Object.entries(pulled)) {
    const addedInPlace = gradient !== undefined && gradient === offered.get(input);
    if (!gradient || !needs(input) || addedInPlace) continue;
    // A rule may give one tensor to several inputs (add does): then none of them may change it.
    const alone = Object.values(pulled).filter((other) => other?.storage === gradient.storage).length === 1;
    gradients.add(node.inputs.get(input)!, gradient, alone);
  }
}

/**
 * The gradient so far of every value, in the value's dtype, which may differ from the one that it arrives in
 * (castStraightThrough); parameters' go straight to their arenas.
 */
class Gradients {
  readonly #wanted: ReadonlySet<Value>;
  readonly #sums = new Map<Value, Tensor>();

  constructor(wanted: ReadonlySet<Value>) {
    this.#wanted = wanted;
  }

  get(value: Value): Tensor | undefined {
    return this.#sums.get(value);
  }

  /** Where a rule may add in place: a parameter's gradient, or a sum that nobody else holds. */
  target(value: Value, shape: Shape): Tensor | undefined {
    const sum = value.grad ?? this.#sums.get(value);
    if (!sum || (!value.grad && sum.storage.claims > 1)) return undefined;
    return sameShape(sum.shape, shape) ? sum : reshape(sum, shape);
  }

  /** `mayChange`: nothing else will read `gradient`, so a sum may be taken in it. */
  add(value: Value, gradient: Tensor, mayChange = false): void {
    if (!this.#wanted.has(value)) return;
    const sum = value.grad ?? this.#sums.get(value);
    if (!sum) {
      this.#sums.set(value, alias(cast(gradient, value.dtype)));
      return;
    }
    // A sum in f32 takes bf16 as it is, where the device can add bf16 at all.
    const widens = sum.dtype === 'f32' && gradient.device.caps.compute.includes(gradient.dtype);
    const summand = widens ? gradient : cast(gradient, sum.dtype);
    if (value.grad || sum.storage.claims === 1) {
      accumulate(sum, summand);
      return;
    }
    // Others hold the sum: it moves to a tensor that is nobody else's.
    if ((mayChange || summand !== gradient) && summand.dtype === sum.dtype && summand.storage.claims === 1) {
      accumulate(summand, sum);
      this.drop(value);
      this.#sums.set(value, alias(summand));
      return;
    }
    const fresh = keep(copy(sum));
    accumulate(fresh, summand);
    this.drop(value);
    this.#sums.set(value, fresh);
  }

  drop(value: Value): void {
    this.#sums.get(value)?.dispose();
    this.#sums.delete(value);
  }

  dispose(): void {
    for (const sum of this.#sums.values()) sum.dispose();
    this.#sums.clear();
  }
}

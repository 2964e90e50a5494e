/**
 * Parameters: tensors that gradients end in. Their values and gradients are views into flat arenas, so that the
 * optimizer, the clip, zeroing and a checkpoint are each one pass over memory.
 */
import type { Device } from './device.ts';
import { ShapeError, TapeError, ValueError } from './errors.ts';
import { fillWith } from './ops/fill.ts';
import { keep, scope } from './scope.ts';
import { requireShape, type Shape, showShape, sizeOf } from './shape.ts';
import { empty, section, Tensor } from './tensor.ts';

export class Param extends Tensor {
  override readonly name: string;
  readonly #grad: Tensor | undefined;

  /** Without `grad` it is a constant: nothing that uses it is on the tape. */
  constructor(name: string, value: Tensor, grad: Tensor | undefined) {
    super(value.storage, value.dtype, value.shape, value.offset);
    this.name = name;
    this.#grad = grad;
    if (grad) this.value = { dtype: value.dtype, grad };
  }

  /** Where `backward` adds this parameter's gradient, f32. Throws TapeError where the arena has no gradients. */
  get grad(): Tensor {
    return requireGradients(this.name, this.#grad);
  }
}

function requireGradients(where: string, grad: Tensor | undefined): Tensor {
  if (grad) return grad;
  throw new TapeError(where, 'these parameters have no gradients', 'make them with gradients: true to train');
}

export interface ParamSpec {
  readonly name: string;
  readonly shape: Shape;
  /**
   * Lies directly behind the one before it in the list, without padding, so that joined() can see the two as one. Both
   * are matrices, or neither is.
   */
  readonly adjacent?: true;
}

/** Parameters in two flat f32 arenas; tensors of 2 or more dimensions come first, since only they decay. */
export interface ParamArena {
  readonly params: ReadonlyMap<string, Param>;
  readonly values: Tensor;
  /** Throws TapeError where the arena has no gradients. */
  readonly grads: Tensor;
  /** Elements (from the start of the arena) that belong to tensors of 2 or more dimensions. */
  readonly matrixElements: number;
  /** Elements of a parameter's start in the arena. */
  readonly offsets: ReadonlyMap<string, number>;
  /** The views that joined() made; they end with the arena. */
  readonly views: Map<string, Param>;
  dispose(): void;
}

/** Elements to which each parameter is aligned: 256 bytes, what every backend can bind. */
const ALIGN = 64;

/**
 * Makes room for the parameters; values are zero until written. Owned by the caller, not by a scope.
 * `gradients: false` halves the memory of a model that is only run: its parameters are constants.
 */
export function paramArena(
  device: Device,
  specs: readonly ParamSpec[],
  { gradients = true }: { readonly gradients?: boolean | undefined } = {},
): ParamArena {
  if (specs.length === 0) throw new ValueError('paramArena', 'needs at least one parameter, got none');
  for (const { shape } of specs) requireShape('paramArena', shape);
  const { offsets, end, matrixElements } = layout(specs);
  const largest = specs.reduce((most, spec) => (sizeOf(spec.shape) > sizeOf(most.shape) ? spec : most));
  const arena = (what: string): Tensor => {
    const name = `${what} (the largest is ${largest.name} ${showShape(largest.shape)})`;
    const made = empty(device, 'f32', [end], name);
    fillWith(made, 0);
    return made;
  };
  const { values, grads } = scope(() => ({
    values: arena('all parameters'),
    grads: gradients ? arena('all gradients') : undefined,
  }));
  keep(values);
  if (grads) keep(grads);
  const params = new Map<string, Param>();
  const views = new Map<string, Param>();
  for (const { name, shape } of specs) {
    const first = offsets.get(name)!;
    const grad = grads && section(grads, first, shape);
    params.set(name, new Param(name, section(values, first, shape), grad));
  }
  return {
    ...{ params, values, matrixElements, offsets, views },
    get grads() {
      return requireGradients('paramArena', grads);
    },
    dispose() {
      for (const param of [...params.values(), ...views.values()]) {
        if (grads) param.grad.dispose();
        param.dispose();
      }
      values.dispose();
      grads?.dispose();
    },
  };
}

/** Where each parameter starts, in elements; matrices first. */
function layout(specs: readonly ParamSpec[]): Pick<ParamArena, 'offsets' | 'matrixElements'> & {
  readonly end: number;
} {
  const offsets = new Map<string, number>();
  let end = 0;
  const align = () => {
    end = Math.ceil(end / ALIGN) * ALIGN;
    return end;
  };
  const place = (matrices: boolean) => {
    for (const [i, { name, shape, adjacent }] of specs.entries()) {
      if (isMatrix(shape) !== matrices) continue;
      if (offsets.has(name))
        throw new ValueError('paramArena', `parameter names must differ, got ${name} twice`);
      const before = specs[i - 1];
      if (adjacent && (!before || isMatrix(before.shape) !== matrices)) {
        throw new ValueError(
          'paramArena',
          `${name} ${showShape(shape)} is to be adjacent to ${before ? `${before.name} ${showShape(before.shape)}` : 'nothing'}`,
          'matrices can follow matrices, and vectors vectors',
        );
      }
      offsets.set(name, adjacent ? end : align());
      end += sizeOf(shape);
    }
    return align();
  };
  const matrixElements = place(true);
  return { offsets, matrixElements, end: place(false) };
}

const isMatrix = (shape: Shape) => shape.length >= 2;

/**
 * Matrices of one width, or vectors, that are adjacent in the arena, as one [sum of their rows, width] or [sum of their
 * lengths]: a product with it does the work of several, and its gradient is their gradients. `backward` adds to it when
 * all of `names` are among the parameters that it is given. Made once for the same names; it ends with the arena.
 *
 * @throws ValueError for an unknown name or one that is not behind the one before it; ShapeError for another width or rank.
 */
export function joined(arena: ParamArena, names: readonly string[]): Param {
  const parts = names.map((name) => {
    const param = arena.params.get(name);
    if (!param) throw new ValueError('joined', `${name} must be a parameter of the arena`);
    return param;
  });
  const [first] = parts;
  if (!first) throw new ValueError('joined', 'needs at least one name, got none');
  if (parts.length === 1) return first;
  const name = names.join(' + ');
  const known = arena.views.get(name);
  if (known) return known;
  const [, width] = first.shape;
  const start = arena.offsets.get(first.name)!;
  let elements = 0;
  for (const part of parts) {
    if (part.shape.length > 2 || part.shape.length !== first.shape.length || part.shape[1] !== width) {
      throw new ShapeError(
        'joined',
        `all must be matrices of one width, or all vectors, ${first.name} is ${showShape(first.shape)} and ${part.name} is ${showShape(part.shape)}`,
      );
    }
    if (arena.offsets.get(part.name) !== start + elements) {
      throw new ValueError(
        'joined',
        `${part.name} must lie directly behind the one before it in ${name}`,
        'set adjacent: true in its ParamSpec',
      );
    }
    elements += part.size;
  }
  const shape = width === undefined ? [elements] : [elements / width, width];
  const hasGradients = first.value !== undefined;
  const grad = hasGradients ? section(arena.grads, start, shape) : undefined;
  const view = new Param(name, section(arena.values, start, shape), grad);
  if (view.value) view.value = { ...view.value, parts: parts.map((part) => part.value!) };
  arena.views.set(name, view);
  return view;
}

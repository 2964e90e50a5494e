/**
 * Parameters: tensors that gradients end in. Their values and gradients are views into flat arenas, so that the
 * optimizer, the clip, zeroing and a checkpoint are each one pass over memory.
 */
import type { Device } from './device.ts';
import { ValueError } from './errors.ts';
import { keep, scope } from './scope.ts';
import { requireShape, type Shape, sizeOf } from './shape.ts';
import { empty, section, Tensor, write } from './tensor.ts';

export class Param extends Tensor {
  readonly name: string;
  /** Where `backward` adds this parameter's gradient, f32. */
  readonly grad: Tensor;

  constructor(name: string, value: Tensor, grad: Tensor) {
    super(value.storage, value.dtype, value.shape, value.offset);
    this.name = name;
    this.grad = grad;
    this.value = { grad };
  }
}

export interface ParamSpec {
  readonly name: string;
  readonly shape: Shape;
}

/** Parameters in two flat f32 arenas; tensors of 2 or more dimensions come first, since only they decay. */
export interface ParamArena {
  readonly params: ReadonlyMap<string, Param>;
  readonly values: Tensor;
  readonly grads: Tensor;
  /** Elements (from the start of the arena) that belong to tensors of 2 or more dimensions. */
  readonly matrixElements: number;
  /** Elements of a parameter's start in the arena. */
  readonly offsets: ReadonlyMap<string, number>;
  dispose(): void;
}

/** Elements to which each parameter is aligned: 256 bytes, what every backend can bind. */
const ALIGN = 64;

/** Makes room for the parameters; values are zero until written. Owned by the caller, not by a scope. */
export function paramArena(device: Device, specs: readonly ParamSpec[]): ParamArena {
  if (specs.length === 0) throw new ValueError('paramArena', 'needs at least one parameter, got none');
  for (const { shape } of specs) requireShape('paramArena', shape);
  const offsets = new Map<string, number>();
  let end = 0;
  let matrixElements = 0;
  for (const matrices of [true, false]) {
    for (const { name, shape } of specs) {
      if (shape.length >= 2 !== matrices) continue;
      if (offsets.has(name))
        throw new ValueError('paramArena', `parameter names must differ, got ${name} twice`);
      offsets.set(name, end);
      end += Math.ceil(sizeOf(shape) / ALIGN) * ALIGN;
    }
    if (matrices) matrixElements = end;
  }
  const { values, grads } = scope(() => {
    const zeros = new Float32Array(end);
    const arenas = { values: empty(device, 'f32', [end]), grads: empty(device, 'f32', [end]) };
    write(arenas.values, zeros);
    write(arenas.grads, zeros);
    return arenas;
  });
  keep(values);
  keep(grads);
  const params = new Map<string, Param>();
  for (const { name, shape } of specs) {
    const first = offsets.get(name)!;
    params.set(name, new Param(name, section(values, first, shape), section(grads, first, shape)));
  }
  const dispose = () => {
    for (const param of params.values()) {
      param.grad.dispose();
      param.dispose();
    }
    values.dispose();
    grads.dispose();
  };
  return { params, values, grads, matrixElements, offsets, dispose };
}

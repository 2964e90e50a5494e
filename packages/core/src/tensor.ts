/**
 * A tensor: dense row-major bytes on one device, and its place in the gradient graph. Plain data with few
 * methods; ops are functions. Reading is the one thing that waits.
 */
import { ambient, own } from './ambient.ts';
import type { Device, View } from './device.ts';
import { byteLength, type DType, fromBf16Bits, type HostArray, toBf16Bits } from './dtype.ts';
import { CaptureError, DisposedError, DTypeError, ShapeError } from './errors.ts';
import type { Value } from './graph.ts';
import { requireShape, type Shape, showShape, sizeOf } from './shape.ts';
import { Storage } from './storage.ts';

export class Tensor implements View {
  readonly dtype: DType;
  readonly shape: Shape;
  /** A parameter's, for messages. */
  declare readonly name?: string | undefined;
  /** Bytes from the start of the slot. */
  readonly offset: number;
  readonly storage: Storage;
  /** Its place in the gradient graph; undefined where no gradient is wanted. */
  value: Value | undefined;
  #released = false;

  /** Takes over one claim on `storage`. */
  constructor(storage: Storage, dtype: DType, shape: Shape, offset: number) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.offset = offset;
  }

  get device(): Device {
    return this.storage.device;
  }

  get slot(): number {
    if (this.#released) {
      throw new DisposedError(
        'tensor',
        `this ${this.dtype} ${showShape(this.shape)} was freed by its scope or by dispose()`,
        'return it from the scope to keep it',
      );
    }
    return this.storage.slot;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get released(): boolean {
    return this.#released;
  }

  /** Elements in the dtype's host array (bf16 as float32). Waits for the work queued before. */
  data(): Promise<Float32Array | Int32Array | Int8Array | Uint8Array> {
    // Thrown rather than rejected, so that a captured body, which cannot wait, stops here.
    if (ambient.trace) {
      throw new CaptureError(
        'read',
        'a captured body cannot read a tensor, since reading waits',
        'return the tensor from the body and read it outside',
      );
    }
    return this.device.read(asView(this)).then((raw) => {
      if (raw instanceof Uint16Array) return Float32Array.from(raw, fromBf16Bits);
      return raw instanceof Float64Array ? Float32Array.from(raw) : raw;
    });
  }

  /** The only element, as a number. */
  item(): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError(
        'item',
        `needs a tensor of one element, got ${showShape(this.shape)}`,
        'use data()',
      );
    }
    return this.data().then((elements) => elements[0]!);
  }

  /** Gives up this tensor's claim on its memory. Scopes do this for what they made; calling it twice is harmless. */
  dispose(): void {
    if (this.#released) return;
    this.#released = true;
    this.storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export function asView(tensor: Tensor): View {
  const { dtype, shape, slot, offset, name } = tensor;
  return { dtype, shape, slot, offset, name };
}

/** New memory with undefined content, owned by the current scope. `name`: what it is, where there is no room for it. */
export function empty(device: Device, dtype: DType, shape: Shape, name?: string): Tensor {
  requireShape('empty', shape);
  const storage = new Storage(device, device.alloc(byteLength(dtype, sizeOf(shape)), { dtype, shape, name }));
  ambient.trace?.made(storage);
  return own(new Tensor(storage, dtype, shape, 0));
}

/**
 * A tensor with the given elements, owned by the current scope. f32 takes any numbers, bf16 too (rounded to
 * nearest even); ternary takes bytes of four packed codes.
 */
export function tensor(
  device: Device,
  elements: ArrayLike<number>,
  shape: Shape = [elements.length],
  dtype: DType = 'f32',
): Tensor {
  const made = empty(device, dtype, shape);
  write(made, elements);
  return made;
}

/** Overwrites a tensor with host elements; not inside a captured body, where it would happen only once. */
export function write(to: Tensor, elements: ArrayLike<number>): void {
  if (ambient.trace) {
    throw new CaptureError(
      'write',
      'a captured body cannot take values from the host, since a replay would not see new ones',
      'make the tensor outside and pass it as an input',
    );
  }
  const expected = to.dtype === 'ternary' ? byteLength('ternary', to.size) : to.size;
  if (elements.length !== expected) {
    throw new ShapeError(
      'write',
      `${to.dtype} ${showShape(to.shape)} takes ${expected} elements, got ${elements.length}`,
    );
  }
  to.device.write(asView(to), hostElements(to, elements));
}

function hostElements(to: Tensor, elements: ArrayLike<number>): HostArray {
  if (to.dtype === 'f32') {
    if (to.device.caps.float64)
      return elements instanceof Float64Array ? elements : Float64Array.from(elements);
    return elements instanceof Float32Array ? elements : Float32Array.from(elements);
  }
  if (to.dtype === 'bf16') {
    return elements instanceof Uint16Array ? elements : Uint16Array.from(elements, toBf16Bits);
  }
  if (to.dtype === 'i32') {
    return elements instanceof Int32Array ? elements : Int32Array.from(elements, wholeNumber(2 ** 31));
  }
  if (to.dtype === 'i8') {
    return elements instanceof Int8Array ? elements : Int8Array.from(elements, wholeNumber(128));
  }
  return elements instanceof Uint8Array ? elements : Uint8Array.from(elements);
}

const wholeNumber = (limit: number) => (element: number) => {
  if (Number.isInteger(element) && element >= -limit && element < limit) return element;
  throw new DTypeError('write', `takes whole numbers from ${-limit} to ${limit - 1}, got ${element}`);
};

/** The same elements under another shape: no copy, and the gradient passes through. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  requireShape('reshape', shape);
  if (sizeOf(shape) !== x.size) {
    throw new ShapeError(
      'reshape',
      `${showShape(x.shape)} has ${x.size} elements, ${showShape(shape)} has ${sizeOf(shape)}`,
    );
  }
  const view = own(alias(x, shape));
  view.value = x.value;
  return view;
}

/** `count` entries of the first dimension from `start`: no copy and no gradient (use `slice` on the tape). */
export function rows(x: Tensor, start: number, count: number): Tensor {
  const [length = 0, ...rest] = x.shape;
  if (!(start >= 0 && count >= 1 && start + count <= length)) {
    throw new ShapeError('rows', `${start}..${start + count} is not inside ${showShape(x.shape)}`);
  }
  return own(section(x, start * sizeOf(rest), [count, ...rest]));
}

/** A second handle on the same memory with its own claim; not owned by a scope, not on the tape. */
export function alias(x: Tensor, shape: Shape = x.shape): Tensor {
  void x.slot;
  return new Tensor(x.storage.claim(), x.dtype, shape, x.offset);
}

/** A handle on part of the memory, from element `first`; not owned by a scope, not on the tape. */
export function section(x: Tensor, first: number, shape: Shape): Tensor {
  void x.slot;
  return new Tensor(x.storage.claim(), x.dtype, shape, x.offset + byteLength(x.dtype, first));
}

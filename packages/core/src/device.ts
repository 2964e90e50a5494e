/**
 * All that a backend is: memory, kernels, a recorder. A backend knows nothing of gradients, scopes or models;
 * it gets views of dense bytes and enqueues work on them in order.
 */
import type { DType, HostArray } from './dtype.ts';
import type { AnyOp } from './op.ts';
import type { Shape } from './shape.ts';

/** What a tensor holds, without where. */
export interface Type {
  readonly dtype: DType;
  readonly shape: Shape;
  /** What it is for people, such as a parameter's name. */
  readonly name?: string | undefined;
}

/** Dense, row-major bytes on one device: `offset` bytes into `slot`. There are no strides. */
export interface View extends Type {
  readonly slot: number;
  readonly offset: number;
}

export type Views = Readonly<Record<string, View>>;

/** What shared code may ask of a device. It asks this, never `name`. */
export interface Capabilities {
  /** Dtypes that compute ops (matmul, norms, attention…) take; every device can store and cast all of them. */
  readonly compute: readonly DType[];
  /** True where f32 tensors are held in float64 (the reference device): `write` and `read` then pass them unrounded. */
  readonly float64: boolean;
  /** Threads that share the work of one op. */
  readonly threads: number;
  /** True where work runs beside the host: a step that is enqueued before the last one was read costs the host nothing. */
  readonly queued?: boolean;
  /** True where a product of many rows with packed 2-bit weights is as fast as one with floats, so that prompts take them too. */
  readonly packedPrompts?: boolean;
}

export interface MemoryReport {
  /** Bytes in live tensors, in captured programs, and kept free for reuse. */
  readonly live: number;
  readonly programs: number;
  readonly free: number;
  /** The largest live + programs so far. */
  readonly peak: number;
  /** Live allocations. */
  readonly count: number;
}

/** Enqueues work and returns at once: no allocation, no readback, no await. */
export type Kernel = (ins: Views, outs: Views, attrs: never) => void;

export interface Device {
  /** For people; code asks `caps`. */
  readonly name: string;
  /** One line for people: what it runs on and why. */
  readonly description: string;
  readonly caps: Capabilities;
  /** A slot of at least `bytes` bytes; `type`: the tensor, for messages. Throws OutOfMemoryError with what is in use. */
  alloc(bytes: number, type?: Type): number;
  /** Takes effect after the work already queued. */
  free(slot: number): void;
  /** Copies host elements to the view, ordered with the kernels. `from` has the view's host array type. */
  write(to: View, from: HostArray): void;
  /**
   * The one thing that waits: resolves to the view's elements in its host array type, f32 in float64 where `caps` says
   * so.
   */
  read(from: View): Promise<HostArray>;
  kernel(op: AnyOp): Kernel | undefined;
  /** From here, what kernels enqueue is also kept, and what is allocated belongs to the recording. */
  record(): Recording;
  memory(): MemoryReport;
  dispose(): void;
}

/** When `end` returns, the recorded work has run once, just as if it had not been recorded. */
export interface Recording {
  end(): Program;
  /** Forgets what was recorded (an error happened); its memory goes back to the pool. */
  abort(): void;
}

/** A CUDA graph, a list of dispatches, a list of WASM calls. Owns the memory that the recording allocated. */
export interface Program {
  replay(): void;
  readonly launches: number;
  /** Bytes that the program keeps for itself. */
  readonly bytes: number;
  dispose(): void;
}

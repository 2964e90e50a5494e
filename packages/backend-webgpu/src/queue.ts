/**
 * Work on its way to the GPU: dispatches and copies gather in one encoder and go out in bounded pieces, in the order of
 * the calls. What gathers goes out at the latest when the running task ends.
 */
import { labelOf, type Pipeline, uniformBytes } from './pipelines.ts';

export interface Dispatch {
  /** The op that launches, for what WebGPU says later. */
  readonly op: string;
  readonly pipeline: Pipeline;
  /** Storage bindings; the arguments come on top. */
  readonly entries: readonly GPUBindGroupEntry[];
  readonly words: Uint32Array<ArrayBuffer>;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export interface Copy {
  readonly from: GPUBuffer;
  readonly fromOffset: number;
  readonly to: GPUBuffer;
  readonly toOffset: number;
  readonly bytes: number;
}

export type Work = Dispatch | Copy;

/** A dispatch that needs nothing more than to be encoded. */
export interface Ready {
  readonly compute: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Bytes between the arguments of two dispatches: where uniform bindings may begin. */
export const ARGUMENT_STEP = 256;
/** Dispatches of one submit: few enough that the GPU starts early and no display freezes. */
const MOST_DISPATCHES = 128;
const UNIFORM_COPY_DST = 0x40 | 0x08;

export class Queue {
  readonly #device: GPUDevice;
  readonly #uniforms: GPUBuffer;
  readonly #words: Uint32Array<ArrayBuffer> = new Uint32Array((MOST_DISPATCHES * ARGUMENT_STEP) / 4);
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** The pipeline that the open pass has set. */
  #current: GPUComputePipeline | undefined;
  #dispatches = 0;
  /** Bytes of arguments in the batch. */
  #arguments = 0;
  #ended = false;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#uniforms = device.createBuffer({
      label: 'arguments',
      size: this.#words.byteLength,
      usage: UNIFORM_COPY_DST,
    });
  }

  dispatch(dispatch: Dispatch): void {
    const { pipeline, words, x, y, z } = dispatch;
    const offset = this.#arguments;
    const next = offset + Math.ceil(Math.max(4, words.byteLength) / ARGUMENT_STEP) * ARGUMENT_STEP;
    if (next > this.#words.byteLength) {
      this.flush();
      this.dispatch(dispatch);
      return;
    }
    this.#words.set(words, offset / 4);
    this.#arguments = next;
    const group = bindGroup(this.#device, dispatch, this.#uniforms, offset);
    this.encode({ compute: pipeline.compute, group, x, y, z });
  }

  encode({ compute, group, x, y, z }: Ready): void {
    const pass = this.#pass ?? this.#openPass();
    if (compute !== this.#current) {
      pass.setPipeline(compute);
      this.#current = compute;
    }
    pass.setBindGroup(0, group);
    // What is left out is not converted: a twentieth of the call.
    if (y === 1 && z === 1) pass.dispatchWorkgroups(x);
    else pass.dispatchWorkgroups(x, y, z);
    if (++this.#dispatches >= MOST_DISPATCHES) this.flush();
  }

  copy({ from, fromOffset, to, toOffset, bytes }: Copy): void {
    this.#endPass();
    this.#open().copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
  }

  /** A pass of its own around one dispatch, that writes its times. */
  timed(work: Ready, timestampWrites: GPUComputePassTimestampWrites): void {
    this.#endPass();
    const pass = this.#open().beginComputePass({ timestampWrites });
    pass.setPipeline(work.compute);
    pass.setBindGroup(0, work.group);
    pass.dispatchWorkgroups(work.x, work.y, work.z);
    pass.end();
  }

  /** An empty pass that writes the time at which the work before it is done. */
  mark(timestampWrites: GPUComputePassTimestampWrites): void {
    this.#endPass();
    this.#open().beginComputePass({ timestampWrites }).end();
  }

  resolve(set: GPUQuerySet, count: number, to: GPUBuffer): void {
    this.#endPass();
    this.#open().resolveQuerySet(set, 0, count, to, 0);
  }

  /** Sends what has gathered. */
  flush(): void {
    const encoder = this.#encoder;
    if (!encoder || this.#ended) return;
    this.#endPass();
    if (this.#arguments > 0)
      this.#device.queue.writeBuffer(this.#uniforms, 0, this.#words, 0, this.#arguments / 4);
    this.#encoder = undefined;
    this.#dispatches = 0;
    this.#arguments = 0;
    this.#device.queue.submit([encoder.finish()]);
  }

  /** Forgets what has gathered. */
  dispose(): void {
    this.#ended = true;
    this.#encoder = undefined;
    this.#pass = undefined;
    this.#uniforms.destroy();
  }

  #open(): GPUCommandEncoder {
    if (!this.#encoder) {
      this.#encoder = this.#device.createCommandEncoder();
      queueMicrotask(() => this.flush());
    }
    return this.#encoder;
  }

  #openPass(): GPUComputePassEncoder {
    this.#pass = this.#open().beginComputePass();
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#current = undefined;
  }
}

export function bindGroup(
  device: GPUDevice,
  { op, pipeline: { label, layout, data }, entries }: Dispatch,
  uniforms: GPUBuffer,
  offset: number,
): GPUBindGroup {
  const size = uniformBytes(data);
  const uniform = { binding: data.uniform, resource: { buffer: uniforms, offset, size } };
  return device.createBindGroup({ label: labelOf(op, label), layout, entries: [uniform, ...entries] });
}

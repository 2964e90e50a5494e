/**
 * The WebGPU device: core's device contract on one queue, in browsers and through Dawn in Node. A launch is enqueued
 * and returns at once; a recorded program is a list of dispatches with bind groups ready.
 */
import {
  type AnyOp,
  CaptureError,
  type Device,
  DeviceError,
  DisposedError,
  DTYPES,
  type HostArray,
  type Kernel,
  type PoolRecording,
  QSparseError,
} from '@qsparse/core';
import { bytesOf } from './bindings.ts';
import { createBuffers } from './buffers.ts';
import { DeviceLostError, firstLine } from './errors.ts';
import { type GpuOptions, openGpu } from './gpu.ts';
import { kernelsByOp } from './kernels/index.ts';
import { createLauncher } from './launcher.ts';
import { kernelError, type PipelineKey, Pipelines } from './pipelines.ts';
import { calmPolling, waiting } from './polling.ts';
import { timeWork } from './profile.ts';
import { prepareReplay, profile, replay, type WebGpuProgram } from './program.ts';
import { Queue, type Work } from './queue.ts';
import { describeAdapter, reportLines } from './report.ts';
import { Staging } from './staging.ts';
import { findFlushing } from './subnormals.ts';
import type { Variant } from './variant.ts';

export interface WebGpuOptions extends GpuOptions {
  /** Bytes of GPU memory after which allocation fails. Default: what the GPU gives, which fails later and for good. */
  readonly memory?: number | undefined;
  /** Bytes that one binding may have; at most the adapter's limit, which is the default. */
  readonly maxBinding?: number | undefined;
  /** Whether kernels do without barriers. Default: on software adapters. */
  readonly barrierFree?: boolean | undefined;
}

export interface WarmupProgress {
  /** Pipelines that are ready, of those that were missing. */
  readonly done: number;
  readonly total: number;
}

export interface WebGpuDevice extends Device {
  /** The WebGPU device below, for canvases and benchmarks. */
  readonly gpu: GPUDevice;
  /** What the adapter says it is. */
  readonly adapter: string;
  /** Kernels run on the CPU: for tests, slower than the CPU backend. */
  readonly software: boolean;
  readonly variant: Variant;
  /** Pipelines made so far, as plain data: a page can keep the list and warm up with it. */
  readonly pipelines: readonly PipelineKey[];
  /**
   * Compiles kernels ahead, without blocking: a list of earlier `pipelines`, or those of ops that `work` would run.
   * `work` is called once, its launches do nothing; it must not record, and what it reads is undefined.
   */
  warmup(
    what: readonly PipelineKey[] | (() => void),
    onProgress?: (progress: WarmupProgress) => void,
  ): Promise<void>;
  record(): { end(): WebGpuProgram; abort(): void };
  /** Whether kernels take subnormal float32 for 0, as WGSL allows: measured at the first call. */
  flushesSubnormals(): Promise<boolean>;
  /** What was found and what is missing, one fact a line. */
  report(): readonly string[];
  /** Resolves when the work queued so far is done. */
  settled(): Promise<void>;
  /** Milliseconds that what `work` enqueues takes: of the GPU's clock where it has one, else of ours. */
  time(work: () => void): Promise<number>;
  /** Resolves when the GPU is lost, with the error that every further use throws; never after `dispose`. */
  readonly lost: Promise<DeviceLostError>;
}

/** How long a device may take to tell that it was lost. */
const MOST_MILLISECONDS = 3000;

/** Opens a GPU. Throws DeviceError with what is missing and what to enable. */
export async function webgpuDevice(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  const opened = await openGpu(options);
  const { device, variant, software } = opened;
  const maxBinding = Math.min(
    options.maxBinding ?? Number.POSITIVE_INFINITY,
    device.limits.maxStorageBufferBindingSize,
  );
  let failure: Error | undefined;
  let disposed = false;
  let recorded: Work[] | undefined;
  let rehearsing = false;
  let flushing: Promise<boolean> | undefined;

  const queue = new Queue(device);
  const buffers = createBuffers(device, options.memory ?? Number.POSITIVE_INFINITY, () => queue.flush());
  const pipelines = new Pipelines(device);
  const staging = new Staging(device, queue);
  const endCalm = opened.inNode && software ? calmPolling() : () => {};
  /** Uniform buffers of programs that are there. */
  const uniforms = new Set<GPUBuffer>();

  const lost = new Promise<DeviceLostError>((resolve) => {
    void device.lost.then(({ reason, message }) => {
      if (disposed) return;
      const error = new DeviceLostError(reason, message);
      failure ??= error;
      resolve(error);
    });
  });
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    const { error } = event;
    const isMemory = error.constructor.name === 'GPUOutOfMemoryError';
    if (isMemory) failure ??= buffers.outOfMemory(error.message);
    else failure ??= kernelError(error.message);
  });

  const requireDevice = (): void => {
    if (disposed) throw new DisposedError('webgpu', 'this device was disposed', 'make another one');
    if (failure) throw failure;
  };
  const notWhileRecording = (what: string): void => {
    requireDevice();
    if (recorded) throw new CaptureError('webgpu', `a program that is being recorded cannot ${what}`);
  };
  /** What a wait gave, or why the device can give nothing any more. */
  const waited = async <T>(wait: () => Promise<T>): Promise<T> => {
    let result: T;
    try {
      result = await wait();
    } catch (error) {
      // WebGPU tells of a lost device after it has ended the waits: a browser when the GPU's process has time.
      if (!disposed && !failure)
        await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, MOST_MILLISECONDS))]);
      requireDevice();
      if (error instanceof QSparseError) throw error;
      const why = firstLine(error instanceof Error ? error.message : String(error));
      throw new DeviceError('webgpu', `the GPU gave no answer (${why})`, 'open the device again');
    }
    requireDevice();
    return result;
  };

  const settled = async (): Promise<void> => {
    queue.flush();
    waiting();
    await waited(() => device.queue.onSubmittedWorkDone());
  };

  const launcher = createLauncher({
    variant,
    barrierFree: options.barrierFree ?? software,
    maxBinding,
    maxGroups: device.limits.maxComputeWorkgroupsPerDimension,
    pipelines,
    bufferOf: (slot) => buffers.of(slot),
    scratch: (index) => buffers.scratch(index),
    alloc: (bytes) => buffers.alloc(bytes),
    free: (slot) => buffers.free(slot),
    enqueue(work) {
      if ('pipeline' in work) queue.dispatch(work);
      else queue.copy(work);
      recorded?.push(work);
    },
  });
  const { context } = launcher;

  const kernels = new Map<AnyOp, Kernel | undefined>();
  const makeKernel = (op: AnyOp): Kernel | undefined => {
    const kernel = kernelsByOp.get(op);
    if (!kernel) return undefined;
    return (ins, outs, attrs) => {
      requireDevice();
      launcher.beginOp(op.name);
      try {
        kernel.launch(ins as never, outs as never, attrs, context);
      } finally {
        launcher.endOp();
      }
    };
  };

  return {
    name: 'webgpu',
    description: describeAdapter(opened),
    gpu: device,
    adapter: describeAdapter(opened),
    software,
    variant,
    caps: { compute: ['f32'], float64: false, threads: 1, queued: true },
    get pipelines() {
      return pipelines.keys;
    },
    async warmup(what, onProgress) {
      notWhileRecording('be warmed up');
      const keys = typeof what === 'function' ? rehearse(what) : what;
      await waited(() => pipelines.prepare(keys, (done, total) => onProgress?.({ done, total })));
    },
    alloc(bytes, type) {
      requireDevice();
      return buffers.alloc(bytes, type);
    },
    free(slot) {
      if (!disposed) buffers.free(slot);
    },
    write(to, from) {
      notWhileRecording('take values from the host');
      const bytes = new Uint8Array(from.buffer, from.byteOffset, from.byteLength);
      staging.write(buffers.of(to.slot), to.offset, bytes, (word, mask, value) => {
        const words = { slot: to.slot, offset: word, dtype: 'i32', shape: [1] } as const;
        context.launch('merge-word', 'merge_word', { words }, { mask, value }, [1, 1, 1]);
      });
    },
    async read(from) {
      notWhileRecording('be read');
      const bytes = await waited(() => staging.read(buffers.of(from.slot), from.offset, bytesOf(from)));
      return new DTYPES[from.dtype].host(bytes) as HostArray;
    },
    kernel(op) {
      if (!kernels.has(op)) kernels.set(op, makeKernel(op));
      return kernels.get(op);
    },
    record() {
      notWhileRecording('start another one');
      if (rehearsing)
        throw new CaptureError('webgpu', 'a warm-up cannot record', 'give it the step uncaptured');
      const memory = buffers.record();
      const work: Work[] = [];
      recorded = work;
      return {
        end() {
          requireDevice();
          if (recorded !== work) throw new CaptureError('webgpu', 'this recording has ended');
          recorded = undefined;
          memory.end();
          return program(work, memory);
        },
        abort() {
          if (disposed || recorded !== work) return;
          recorded = undefined;
          memory.dispose();
        },
      };
    },
    memory: () => buffers.report(),
    report() {
      requireDevice();
      return reportLines(opened, pipelines.keys.length, maxBinding);
    },
    async flushesSubnormals() {
      notWhileRecording('be measured');
      flushing ??= waited(() => findFlushing(device));
      return flushing;
    },
    async settled() {
      notWhileRecording('be waited for');
      await settled();
    },
    async time(work) {
      notWhileRecording('be timed');
      if (variant.timestamps) return waited(() => timeWork(device, queue, work));
      await settled();
      const start = performance.now();
      work();
      await settled();
      return performance.now() - start;
    },
    lost,
    dispose() {
      if (disposed) return;
      disposed = true;
      recorded = undefined;
      queue.dispose();
      staging.dispose();
      for (const buffer of uniforms) buffer.destroy();
      buffers.dispose();
      device.destroy();
      endCalm();
    },
  };

  function rehearse(work: () => void): readonly PipelineKey[] {
    const stop = launcher.rehearse();
    rehearsing = true;
    try {
      work();
    } finally {
      rehearsing = false;
      stop();
    }
    return stop();
  }

  function program(work: readonly Work[], memory: PoolRecording): WebGpuProgram {
    const ready = prepareReplay(device, work);
    uniforms.add(ready.uniforms);
    let programDisposed = false;
    const requireProgram = (): void => {
      requireDevice();
      if (programDisposed)
        throw new DisposedError('webgpu', 'this program was disposed', 'capture the step again');
      if (recorded) throw new CaptureError('webgpu', 'a program cannot be replayed while one is recorded');
    };
    return {
      launches: work.length,
      bytes: memory.bytes + ready.uniforms.size,
      replay() {
        requireProgram();
        replay(ready, queue);
      },
      async profile() {
        requireProgram();
        if (!variant.timestamps) {
          const what = 'the adapter measures no times (timestamp-query)';
          throw new DeviceError('webgpu', what, 'time many replays with settled()');
        }
        return waited(() => profile(device, ready, queue));
      },
      dispose() {
        if (programDisposed) return;
        programDisposed = true;
        if (disposed) return;
        queue.flush();
        uniforms.delete(ready.uniforms);
        ready.uniforms.destroy();
        memory.dispose();
      },
    };
  }
}

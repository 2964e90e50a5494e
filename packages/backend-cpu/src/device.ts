/**
 * The CPU device: core's device contract over the WebAssembly runtime. A launch runs at once and returns when it is
 * done; a program is a list of launches in linear memory that one call replays.
 */
import {
  type AnyOp,
  byteLength,
  type Device,
  DisposedError,
  DTYPES,
  type HostArray,
  type Kernel,
  Pool,
  type Program,
  sizeOf,
  type View,
} from '@qsparse/core';
import { linearHeap } from './heap.ts';
import { kernelsByOp } from './kernels/index.ts';
import type { Launch } from './launch.ts';
import { argumentBytes, type KernelName } from './runtime/memory.ts';
import type { Simd } from './runtime/module.ts';
import { type RuntimeOptions, startRuntime } from './runtime/start.ts';

export type CpuOptions = RuntimeOptions;

export interface CpuDevice extends Device {
  readonly simd: Simd;
  record(): { end(): CpuProgram; abort(): void };
}

export interface CpuProgram extends Program {
  /** Replays launch by launch and measures each: milliseconds and launches by kernel. Slower than `replay`. */
  profile(): Record<string, { readonly milliseconds: number; readonly launches: number }>;
}

/** The largest argument block, in bytes, that a kernel may have. */
const ARGUMENT_BYTES = 1024;

/** Starts threads and compiles kernels. Throws CpuRuntimeError where WebAssembly SIMD is missing. */
export async function cpuDevice(options: CpuOptions = {}): Promise<CpuDevice> {
  const runtime = await startRuntime(options);
  const heap = linearHeap(runtime.heapStart, (bytes) => runtime.growTo(bytes));
  const pool = new Pool('cpu', heap);
  const eagerArguments = heap.reserve(ARGUMENT_BYTES)!;
  let recorded: Launch[] | undefined;
  let disposed = false;

  const indexOf = ({ kernel, serial }: Launch): number =>
    serial ? -runtime.kernels[kernel] : runtime.kernels[kernel];
  const execute = (launch: Launch): void => {
    runtime.writeArguments(launch.kernel, eagerArguments, launch.args as never);
    runtime.launch(indexOf(launch), eagerArguments);
    recorded?.push(launch);
  };
  const requireDevice = (): void => {
    if (disposed) throw new DisposedError('cpu', 'this device was disposed', 'make another one');
  };
  const bytesOf = (view: View): Uint8Array => {
    requireDevice();
    const first = view.slot + view.offset;
    return runtime.views.u8.subarray(first, first + byteLength(view.dtype, sizeOf(view.shape)));
  };

  const kernels = new Map<AnyOp, Kernel | undefined>();
  const makeKernel = (op: AnyOp): Kernel | undefined => {
    const cpuKernel = kernelsByOp.get(op);
    if (!cpuKernel) return undefined;
    return (ins, outs, attrs) => {
      const temporaries: number[] = [];
      const context = {
        temporary(bytes: number) {
          const address = pool.alloc(bytes);
          temporaries.push(address);
          return address;
        },
      };
      try {
        for (const launch of cpuKernel.launch(ins as never, outs as never, attrs, context)) execute(launch);
      } finally {
        for (const address of temporaries) pool.free(address);
      }
    };
  };

  return {
    name: 'cpu',
    get description() {
      const threads = `${runtime.threads} thread${runtime.threads === 1 ? '' : 's'}`;
      return [`WebAssembly ${runtime.simd} SIMD, ${threads}`, ...runtime.notes].join('; ');
    },
    simd: runtime.simd,
    caps: {
      compute: ['f32'],
      float64: false,
      packedPrompts: true,
      get threads() {
        return runtime.threads;
      },
    },
    alloc(bytes) {
      requireDevice();
      return pool.alloc(bytes);
    },
    free: (slot) => pool.free(slot),
    write(to, from) {
      bytesOf(to).set(new Uint8Array(from.buffer, from.byteOffset, from.byteLength));
    },
    async read(from) {
      const bytes = bytesOf(from).slice();
      return new DTYPES[from.dtype].host(bytes.buffer) as HostArray;
    },
    kernel(op) {
      if (!kernels.has(op)) kernels.set(op, makeKernel(op));
      return kernels.get(op);
    },
    record() {
      const memory = pool.record();
      const launches: Launch[] = [];
      recorded = launches;
      const stop = (): void => {
        recorded = undefined;
      };
      return {
        end() {
          stop();
          memory.end();
          return program(launches, memory);
        },
        abort() {
          stop();
          memory.dispose();
        },
      };
    },
    memory: () => pool.report(),
    dispose() {
      disposed = true;
      runtime.dispose();
    },
  };

  function program(
    launches: readonly Launch[],
    memory: { readonly bytes: number; dispose(): void },
  ): CpuProgram {
    const pairs = launches.length * 8;
    const total = launches.reduce((sum, { kernel }) => sum + argumentBytes[kernel], pairs);
    const list = pool.alloc(Math.max(total, 8));
    let argumentsAddress = list + pairs;
    const entries: [index: number, args: number, kernel: KernelName][] = [];
    for (const launch of launches) {
      entries.push([indexOf(launch), argumentsAddress, launch.kernel]);
      argumentsAddress = runtime.writeArguments(launch.kernel, argumentsAddress, launch.args as never);
    }
    const { i32 } = runtime.views;
    for (const [position, [index, args]] of entries.entries()) {
      i32[(list >>> 2) + 2 * position] = index;
      i32[(list >>> 2) + 2 * position + 1] = args;
    }
    let programDisposed = false;
    // Its memory may hold other tensors by then.
    const requireProgram = (): void => {
      if (programDisposed)
        throw new DisposedError('cpu', 'this program was disposed', 'capture the step again');
    };
    return {
      launches: launches.length,
      bytes: memory.bytes + total,
      replay() {
        requireProgram();
        runtime.replay(list, launches.length);
      },
      profile() {
        requireProgram();
        const times: Record<string, { milliseconds: number; launches: number }> = {};
        for (const [index, args, kernel] of entries) {
          const start = performance.now();
          runtime.launch(index, args);
          times[kernel] ??= { milliseconds: 0, launches: 0 };
          times[kernel].milliseconds += performance.now() - start;
          times[kernel].launches += 1;
        }
        return times;
      },
      dispose() {
        if (programDisposed) return;
        programDisposed = true;
        pool.free(list);
        memory.dispose();
      },
    };
  }
}

/**
 * The CUDA device: core's device contract on one stream of one GPU. A launch is enqueued and returns at once; a recorded
 * program is a CUDA graph.
 */
import {
  type AnyOp,
  byteLength,
  CaptureError,
  type Device,
  DeviceError,
  DisposedError,
  DTYPES,
  type HostArray,
  type Kernel,
  OutOfMemoryError,
  Pool,
  type Program,
  ShapeError,
  sizeOf,
  type View,
} from '@qsparse/core';
import { createArgumentBlock } from './arguments.ts';
import { defaultCacheFolder } from './cache-folder.ts';
import { COUNTERS, makeCounters } from './counters.ts';
import {
  type Driver,
  forgetContext,
  OUT_OF_MEMORY,
  openDriver,
  SUCCESS,
  showVersion,
} from './driver/driver.ts';
import { CudaError, REMEDIES } from './driver/errors.ts';
import { createEarlyLaunches } from './early.ts';
import { kernelLayouts } from './generated/kernel-arguments.ts';
import { kernelsByOp } from './kernels/index.ts';
import type { LaunchContext } from './launch.ts';
import { createGemm, type Gemm } from './matmul/gemm.ts';
import { createModules, type Origin } from './modules/modules.ts';
import { type LaunchTime, profileLaunches, type Recorded, Timers } from './profile.ts';
import { reportLines } from './report.ts';
import { createStaging } from './staging.ts';

export interface CudaOptions {
  /** Which GPU, as CUDA counts them. Default 0. */
  readonly ordinal?: number | undefined;
  /** Paths of NVIDIA's libraries; default: searched. */
  readonly libraries?:
    | {
        readonly cuda?: string | undefined;
        readonly cublasLt?: string | undefined;
        readonly nvrtc?: string | undefined;
      }
    | undefined;
  /** False runs every matrix product on this package's own kernels. Default true. */
  readonly cublasLt?: boolean | undefined;
  /** False compiles kernels with NVRTC even where machine code was shipped. Default true. */
  readonly fatbins?: boolean | undefined;
  /** Where compiled kernels and the choice of matrix product algorithms are kept; '' keeps nothing. Default: the user's cache. */
  readonly cacheFolder?: string | undefined;
  /** Told while kernels without machine code for this GPU are compiled: some seconds, once. */
  readonly onCompile?: ((done: number, count: number) => void) | undefined;
  /** False places no block before the launch in front has ended. Default: QSPARSE_CUDA_EARLY is not 0. */
  readonly early?: boolean | undefined;
  /** Waits after every launch, so that an error names its kernel. Default: QSPARSE_CUDA_DEBUG is set. */
  readonly debug?: boolean | undefined;
}

export interface CudaDevice extends Device {
  /** Such as "NVIDIA H100 80GB HBM3". */
  readonly gpu: string;
  /** 10 · major + minor. */
  readonly computeCapability: number;
  readonly multiprocessors: number;
  /** What was found and what is missing, one fact a line. */
  report(): readonly string[];
  /** Where the kernels used so far came from. */
  readonly origins: ReadonlyMap<string, Origin>;
  record(): { end(): CudaProgram; abort(): void };
  /** Bytes free and in all on the GPU, other programs counted. */
  gpuMemory(): { readonly free: number; readonly total: number };
  /** Resolves when the work queued so far is done. */
  settled(): Promise<void>;
  /** Milliseconds of the GPU's clock that what `work` enqueues takes. */
  time(work: () => void): Promise<number>;
}

export interface CudaProgram extends Program {
  /** Runs the program once, launch by launch, and times each. Slower than `replay`. */
  profile(): Promise<readonly LaunchTime[]>;
}

const ATTRIBUTES = { multiprocessors: 16, major: 75, minor: 76 } as const;
const NON_BLOCKING = 1;
/** Other threads and lazy loading may call the driver while a stream is captured. */
const CAPTURE_RELAXED = 2;
const MOST_BLOCKS = [2 ** 31 - 1, 65_535, 65_535] as const;
const OLDEST_GPU = 75;

/** Opens a GPU. Throws DeviceError or CudaError with one line that says what is missing. */
export async function cudaDevice(options: CudaOptions = {}): Promise<CudaDevice> {
  const driver = openDriver(options.libraries?.cuda);
  const ordinal = options.ordinal ?? 0;
  const count = driver.integer('cuDeviceGetCount');
  if (count === 0) {
    const hint = 'check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu';
    throw new DeviceError('cuda', 'the NVIDIA driver works but shows no GPU', hint);
  }
  if (!(Number.isInteger(ordinal) && ordinal >= 0 && ordinal < count))
    throw new DeviceError(
      'cuda',
      `the ordinal of a GPU must be a whole number from 0 to ${count - 1}, got ${ordinal}`,
      'nvidia-smi lists them; CUDA_VISIBLE_DEVICES hides some',
    );
  const handle = driver.integer('cuDeviceGet', ordinal);
  const attribute = (which: keyof typeof ATTRIBUTES): number =>
    driver.integer('cuDeviceGetAttribute', ATTRIBUTES[which], handle);
  const gpu = nameOf(driver, handle);
  const computeCapability = 10 * attribute('major') + attribute('minor');
  if (computeCapability < OLDEST_GPU) {
    const has = `${gpu} has ${(computeCapability / 10).toFixed(1)}`;
    throw new DeviceError('cuda', `kernels need compute capability 7.5, ${has}`, 'use --device cpu');
  }
  const multiprocessors = attribute('multiprocessors');
  const context = driver.make('cuDevicePrimaryCtxRetain', handle);
  const leave = (): void => {
    driver.raw.cuDevicePrimaryCtxRelease(handle);
    forgetContext();
  };
  let stream: number;
  try {
    forgetContext();
    driver.enter(context);
    stream = driver.make('cuStreamCreate', NON_BLOCKING);
  } catch (error) {
    leave();
    throw error;
  }
  const cacheFolder = options.cacheFolder ?? defaultCacheFolder();
  const modules = createModules({
    driver,
    capability: computeCapability,
    cacheFolder,
    nvrtcPath: options.libraries?.nvrtc,
    fatbins: options.fatbins ?? true,
  });
  await modules.prepare(options.onCompile);
  const staging = createStaging(driver, stream);
  const argumentBlock = createArgumentBlock();
  const earlyLaunches = createEarlyLaunches(driver, stream);
  const mayBeEarly = options.early ?? process.env.QSPARSE_CUDA_EARLY !== '0';
  const debug = options.debug ?? Boolean(process.env.QSPARSE_CUDA_DEBUG);

  const slots = new Set<number>();
  /** Of LaunchContext.counters; 0 until asked for. */
  let zeros = 0;
  /** Executable graphs of the programs that are there. */
  const execs = new Set<number>();
  const timers = new Timers(driver);
  const abandoned = new BigUint64Array(1);
  const pool = new Pool('cuda', {
    reserve(bytes) {
      const out = new BigUint64Array(1);
      const status = driver.raw.cuMemAlloc(out, bytes);
      if (status === OUT_OF_MEMORY) return undefined;
      driver.check('cuMemAlloc', status, `${bytes} bytes`);
      const slot = Number(out[0]);
      slots.add(slot);
      return slot;
    },
    release(slot) {
      slots.delete(slot);
      driver.call('cuMemFree', slot);
    },
  });
  const gpuMemory = (): { free: number; total: number } => {
    const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
    driver.call('cuMemGetInfo', free, total);
    return { free: Number(free[0]), total: Number(total[0]) };
  };
  /** Who uses the GPU's memory. */
  const usage = (): string => {
    const { free, total } = gpuMemory();
    const report = pool.report();
    const others = Math.max(0, total - free - report.live - report.programs - report.free);
    return `${showBytes(free)} of the GPU's ${showBytes(total)} are free and ${showBytes(others)} belong to other programs and the driver`;
  };
  const alloc = (bytes: number): number => {
    try {
      return pool.alloc(bytes);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      const what = error.message.replace(/^\[cuda\] /, '').replace(`; ${error.hint}`, '');
      throw new OutOfMemoryError('cuda', `${what}; ${usage()}`, REMEDIES[OUT_OF_MEMORY]);
    }
  };
  /** Memory that the driver and cuBLASLt take for themselves runs out like that of tensors, and is told like it. */
  const explainingMemory = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      // In cuBLASLt and NVRTC the same number means something else.
      const isDriver = error instanceof CudaError && /^cu(?!blas)/.test(error.call);
      if (!(isDriver && error.status === OUT_OF_MEMORY)) throw error;
      const { live, count: tensors, programs } = pool.report();
      const use = `${showBytes(live)} in ${tensors} tensors and ${showBytes(programs)} in captured programs are in use`;
      const what = `no room for ${error.call}: ${use}; ${usage()}`;
      throw new OutOfMemoryError('cuda', what, REMEDIES[OUT_OF_MEMORY]);
    }
  };

  let recorded: Recorded[] | undefined;
  let disposed = false;
  const requireDevice = (): void => {
    if (disposed) throw new DisposedError('cuda', 'this device was disposed', 'make another one');
    driver.enter(context);
  };
  /** Runs work on the stream now, and keeps it where a recording is open. */
  const enqueue = (name: string, work: () => void): void => {
    work();
    recorded?.push({ name, work });
    if (debug && !recorded) waitFor(name);
  };
  const waitFor = (name: string): void => {
    const status = driver.raw.cuStreamSynchronize(stream);
    if (status !== SUCCESS) driver.check('cuStreamSynchronize', status, `kernel ${name}`);
  };
  const gemm: Gemm = createGemm({
    driver,
    stream,
    gpu,
    cacheFolder,
    // What cuBLAS recommends for Hopper and newer, and for others.
    workspaceBytes: (computeCapability >= 90 ? 64 : 32) * 2 ** 20,
    path: options.libraries?.cublasLt,
    enabled: options.cublasLt ?? true,
    alloc,
    free: (slot) => pool.free(slot),
    isCapturing: () => recorded !== undefined,
  });

  const launch: LaunchContext['launch'] = (kernel, args, [x, y = 1, z = 1], launchOptions = {}) => {
    const { threads = kernelLayouts[kernel].threads, shared = 0, early = false } = launchOptions;
    for (const [axis, blocks] of [x, y, z].entries()) {
      if (Number.isInteger(blocks) && blocks >= 1 && blocks <= MOST_BLOCKS[axis]!) continue;
      const limit = `1 to ${MOST_BLOCKS[axis]} blocks along axis ${axis}`;
      throw new ShapeError('cuda', `kernel ${kernel} takes ${limit}, got ${blocks}`, 'use a smaller batch');
    }
    const handle = modules.kernel(kernel);
    modules.allowShared(kernel, shared);
    const isEarly = early && mayBeEarly && earlyLaunches.takes(handle);
    enqueue(kernel, () => {
      const params = argumentBlock.write(kernel, args);
      const status = isEarly
        ? earlyLaunches.launch(handle, [x, y, z], threads, shared, params)
        : driver.raw.cuLaunchKernel(handle, x, y, z, threads, 1, 1, shared, stream, params, 0);
      if (status !== SUCCESS)
        driver.check(
          isEarly ? 'cuLaunchKernelEx' : 'cuLaunchKernel',
          status,
          `${kernel} with ${x} x ${y} x ${z} blocks of ${threads}`,
        );
    });
  };

  const kernels = new Map<AnyOp, Kernel | undefined>();
  const makeKernel = (op: AnyOp): Kernel | undefined => {
    const cudaKernel = kernelsByOp.get(op);
    if (!cudaKernel) return undefined;
    return (ins, outs, attrs) => {
      requireDevice();
      const temporaries: number[] = [];
      const launchContext: LaunchContext = {
        multiprocessors,
        computeCapability,
        launch,
        gemm(plan, addresses) {
          const work = gemm.prepare(plan, addresses);
          if (!work) return false;
          enqueue(`gemm ${plan.m} x ${plan.n} x ${plan.k}`, work);
          return true;
        },
        counters(count) {
          if (count > COUNTERS)
            throw new RangeError(`[cuda] a launch has ${COUNTERS} counters at most, got ${count}`);
          if (!zeros) {
            zeros = makeCounters(driver);
            slots.add(zeros);
          }
          return zeros;
        },
        temporary(bytes) {
          const slot = alloc(bytes);
          temporaries.push(slot);
          return slot;
        },
      };
      try {
        explainingMemory(() => cudaKernel.launch(ins as never, outs as never, attrs, launchContext));
      } finally {
        for (const slot of temporaries) pool.free(slot);
      }
    };
  };

  const notWhileRecording = (what: string): void => {
    requireDevice();
    if (recorded) throw new CaptureError('cuda', `a program that is being recorded cannot ${what}`);
  };
  const bytesOf = (view: View): number => byteLength(view.dtype, sizeOf(view.shape));

  return {
    name: 'cuda',
    gpu,
    computeCapability,
    multiprocessors,
    get description() {
      const capability = `compute capability ${(computeCapability / 10).toFixed(1)}`;
      return `${gpu}, ${capability}, driver for CUDA ${showVersion(driver.version)}; matrix products: ${gemm.description}`;
    },
    report() {
      requireDevice();
      return reportLines({
        driver,
        products: gemm.description,
        nvrtcPath: options.libraries?.nvrtc,
        cacheFolder,
        memory: gpuMemory(),
      });
    },
    origins: modules.origins,
    caps: { compute: ['f32', 'bf16'], float64: false, threads: multiprocessors, queued: true },
    alloc(bytes) {
      requireDevice();
      return alloc(bytes);
    },
    free: (slot) => pool.free(slot),
    write(to, from) {
      notWhileRecording('take values from the host');
      staging.write(to.slot + to.offset, new Uint8Array(from.buffer, from.byteOffset, from.byteLength));
    },
    async read(from) {
      notWhileRecording('be read');
      const bytes = await staging.read(from.slot + from.offset, bytesOf(from));
      return new DTYPES[from.dtype].host(bytes) as HostArray;
    },
    kernel(op) {
      if (!kernels.has(op)) kernels.set(op, makeKernel(op));
      return kernels.get(op);
    },
    record() {
      notWhileRecording('start another one');
      driver.call('cuStreamBeginCapture', stream, CAPTURE_RELAXED);
      const memory = pool.record();
      const launches: Recorded[] = [];
      recorded = launches;
      const graph = new BigUint64Array(1);
      const stop = (): number => {
        recorded = undefined;
        driver.enter(context);
        return driver.raw.cuStreamEndCapture(stream, graph);
      };
      return {
        end() {
          requireDevice();
          if (recorded !== launches) throw new CaptureError('cuda', 'this recording has ended');
          const status = stop();
          if (status !== SUCCESS) {
            memory.dispose();
            driver.check('cuStreamEndCapture', status, `${launches.length} launches`);
          }
          memory.end();
          return program(Number(graph[0]), launches, memory);
        },
        abort() {
          if (disposed || recorded !== launches) return;
          // Unchecked: what went wrong before is what must be seen.
          if (stop() === SUCCESS) driver.raw.cuGraphDestroy(Number(graph[0]));
          memory.dispose();
        },
      };
    },
    memory: () => pool.report(),
    gpuMemory() {
      requireDevice();
      return gpuMemory();
    },
    async settled() {
      notWhileRecording('be waited for');
      await staging.settled();
    },
    async time(work) {
      notWhileRecording('be timed');
      const timed = [{ name: 'work', work }];
      const [{ duration } = { duration: 0 }] = await profileLaunches(driver, stream, timers, timed, () =>
        staging.settled(),
      );
      return duration / 1000;
    },
    dispose() {
      if (disposed) return;
      // Nothing below is checked: after a failed kernel every call fails, and the first error must be the one seen.
      driver.raw.cuCtxSetCurrent(context);
      if (recorded && driver.raw.cuStreamEndCapture(stream, abandoned) === SUCCESS)
        driver.raw.cuGraphDestroy(Number(abandoned[0]));
      disposed = true;
      driver.raw.cuStreamSynchronize(stream);
      for (const exec of execs) driver.raw.cuGraphExecDestroy(exec);
      gemm.dispose();
      staging.dispose();
      timers.dispose();
      modules.dispose();
      argumentBlock.dispose();
      earlyLaunches.dispose();
      for (const slot of slots) driver.raw.cuMemFree(slot);
      driver.raw.cuStreamDestroy(stream);
      leave();
    },
  };

  function program(
    graph: number,
    launches: readonly Recorded[],
    memory: { readonly bytes: number; dispose(): void },
  ): CudaProgram {
    let exec = 0;
    let programDisposed = false;
    const dispose = (): void => {
      if (programDisposed) return;
      programDisposed = true;
      if (!disposed && execs.delete(exec)) {
        driver.raw.cuCtxSetCurrent(context);
        forgetContext();
        driver.raw.cuGraphExecDestroy(exec);
      }
      memory.dispose();
    };
    const requireProgram = (): void => {
      requireDevice();
      if (programDisposed)
        throw new DisposedError('cuda', 'this program was disposed', 'capture the step again');
    };
    const replay = (): void => {
      requireProgram();
      if (recorded) throw new CaptureError('cuda', 'a program cannot be replayed while one is recorded');
      if (!debug) explainingMemory(() => driver.call('cuGraphLaunch', exec, stream));
      else
        for (const { name, work } of launches) {
          work();
          waitFor(name);
        }
    };
    try {
      exec = explainingMemory(() => driver.make('cuGraphInstantiate', graph, 0n));
      execs.add(exec);
      replay();
    } catch (error) {
      dispose();
      throw error;
    } finally {
      driver.raw.cuGraphDestroy(graph);
    }
    return {
      launches: launches.length,
      bytes: memory.bytes,
      replay,
      async profile() {
        requireProgram();
        notWhileRecording('be timed');
        return profileLaunches(driver, stream, timers, launches, () => staging.settled());
      },
      dispose,
    };
  }
}

/** A size as people say it; small GPUs and tests have less than a GiB. */
function showBytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function nameOf(driver: Driver, handle: number): string {
  const name = new Uint8Array(256);
  driver.call('cuDeviceGetName', name, name.length, handle);
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

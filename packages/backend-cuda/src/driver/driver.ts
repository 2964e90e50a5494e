/**
 * The CUDA driver API through koffi: the calls that this backend uses, each checked. Addresses, streams and handles are
 * numbers (a user-space address has 47 bits). A failed call throws CudaError with its name, CUDA's name of the error and
 * what was asked.
 */
import { DeviceError } from '@qsparse/core';
import { CudaError, REMEDIES } from './errors.ts';
import { type Library, openLibrary } from './libraries.ts';

const SIGNATURES = {
  cuInit: 'int cuInit(uint32 flags)',
  cuDriverGetVersion: 'int cuDriverGetVersion(void *version)',
  cuDeviceGetCount: 'int cuDeviceGetCount(void *count)',
  cuDeviceGet: 'int cuDeviceGet(void *device, int ordinal)',
  cuDeviceGetName: 'int cuDeviceGetName(void *name, int length, int device)',
  cuDeviceGetAttribute: 'int cuDeviceGetAttribute(void *value, int attribute, int device)',
  cuDevicePrimaryCtxRetain: 'int cuDevicePrimaryCtxRetain(void *context, int device)',
  cuDevicePrimaryCtxRelease: 'int cuDevicePrimaryCtxRelease_v2(int device)',
  cuCtxSetCurrent: 'int cuCtxSetCurrent(uintptr_t context)',
  cuMemGetInfo: 'int cuMemGetInfo_v2(void *free, void *total)',
  cuMemAlloc: 'int cuMemAlloc_v2(void *address, size_t bytes)',
  cuMemFree: 'int cuMemFree_v2(uintptr_t address)',
  cuMemHostAlloc: 'int cuMemHostAlloc(void *address, size_t bytes, uint32 flags)',
  cuMemFreeHost: 'int cuMemFreeHost(uintptr_t address)',
  cuMemcpyHtoDAsync: 'int cuMemcpyHtoDAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, uintptr_t stream)',
  cuMemcpyDtoHAsync: 'int cuMemcpyDtoHAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, uintptr_t stream)',
  cuStreamCreate: 'int cuStreamCreate(void *stream, uint32 flags)',
  cuStreamDestroy: 'int cuStreamDestroy_v2(uintptr_t stream)',
  cuStreamSynchronize: 'int cuStreamSynchronize(uintptr_t stream)',
  cuStreamBeginCapture: 'int cuStreamBeginCapture_v2(uintptr_t stream, int mode)',
  cuStreamEndCapture: 'int cuStreamEndCapture(uintptr_t stream, void *graph)',
  cuGraphInstantiate: 'int cuGraphInstantiateWithFlags(void *exec, uintptr_t graph, uint64 flags)',
  cuGraphLaunch: 'int cuGraphLaunch(uintptr_t exec, uintptr_t stream)',
  cuGraphExecDestroy: 'int cuGraphExecDestroy(uintptr_t exec)',
  cuGraphDestroy: 'int cuGraphDestroy(uintptr_t graph)',
  cuEventCreate: 'int cuEventCreate(void *event, uint32 flags)',
  cuEventRecord: 'int cuEventRecord(uintptr_t event, uintptr_t stream)',
  cuEventQuery: 'int cuEventQuery(uintptr_t event)',
  cuEventSynchronize: 'int cuEventSynchronize(uintptr_t event)',
  cuEventElapsedTime: 'int cuEventElapsedTime(void *milliseconds, uintptr_t start, uintptr_t end)',
  cuEventDestroy: 'int cuEventDestroy_v2(uintptr_t event)',
  cuModuleLoadData: 'int cuModuleLoadData(void *module, const void *image)',
  cuModuleUnload: 'int cuModuleUnload(uintptr_t module)',
  cuModuleGetFunction: 'int cuModuleGetFunction(void *function, uintptr_t module, const char *name)',
  cuFuncSetAttribute: 'int cuFuncSetAttribute(uintptr_t function, int attribute, int value)',
  cuLaunchKernel:
    'int cuLaunchKernel(uintptr_t function, uint32 gx, uint32 gy, uint32 gz, uint32 bx, uint32 by, uint32 bz, uint32 shared, uintptr_t stream, uintptr_t params, uintptr_t extra)',
  cuLaunchKernelEx:
    'int cuLaunchKernelEx(uintptr_t config, uintptr_t function, uintptr_t params, uintptr_t extra)',
  cuFuncGetAttribute: 'int cuFuncGetAttribute(void *value, int attribute, uintptr_t function)',
  cuGetErrorName: 'int cuGetErrorName(int status, _Out_ const char **name)',
} as const;

export type DriverCall = keyof typeof SIGNATURES;
export type RawDriver = Readonly<Record<DriverCall, (...args: readonly unknown[]) => number>>;

export const SUCCESS = 0;
export const OUT_OF_MEMORY = 2;
export const NOT_READY = 600;

export interface Driver {
  readonly raw: RawDriver;
  readonly library: Library;
  readonly path: string;
  /** 1000 · major + 10 · minor of the newest CUDA that the driver knows. */
  readonly version: number;
  /** True on the library of the tests that runs kernels on the CPU. */
  readonly emulated: boolean;
  /** Throws CudaError unless `status` is 0. `asked` completes "cuMemAlloc of …". */
  check(call: DriverCall, status: number, asked?: string): void;
  /** Makes a call and checks it. */
  call(call: DriverCall, ...args: readonly unknown[]): void;
  /** Makes a call whose first argument points to a handle or address that it writes; returns it. */
  make(call: DriverCall, ...rest: readonly unknown[]): number;
  /** The same for a 32-bit integer. */
  integer(call: DriverCall, ...rest: readonly unknown[]): number;
  /** Makes a context current in this thread, where another device's may be. */
  enter(context: number): void;
}

/** The oldest driver that runs anything here: CUDA 12.0. */
const OLDEST_DRIVER = 12_000;
const USE_CPU = 'or use --device cpu';

/** The context that is current in this thread; 0: not known. A driver keeps one for all devices of a thread. */
let current = 0;

/** After a context was given back, nobody knows what is current. */
export function forgetContext(): void {
  current = 0;
}

/** Opens and initialises the driver. Throws DeviceError where there is none, or none with a device. */
export function openDriver(path?: string): Driver {
  const found = openLibrary('cuda', path);
  if (!found.library) {
    throw new DeviceError(
      'cuda',
      `${found.broken ? 'the NVIDIA driver cannot be loaded' : 'there is no NVIDIA driver'}: ${found.missing}`,
      `install the NVIDIA driver (nvidia-smi must list the GPU)${path || process.env.QSPARSE_LIBCUDA ? ', correct the path' : ''}, ${USE_CPU}`,
    );
  }
  const { library } = found;
  const raw = bind(library, found.path);
  const nameOf = (status: number): string => errorName(raw, status);
  const check = (call: DriverCall, status: number, asked?: string): void => {
    if (status === SUCCESS) return;
    const what = `${call}${asked ? ` of ${asked}` : ''} failed with ${nameOf(status)} (${status})`;
    throw new CudaError(call, status, what, REMEDIES[status] ?? '');
  };
  const call = (name: DriverCall, ...args: readonly unknown[]): void => check(name, raw[name](...args));
  const integer = (name: DriverCall, ...rest: readonly unknown[]): number => {
    const out = new Int32Array(1);
    call(name, out, ...rest);
    return out[0]!;
  };
  const make = (name: DriverCall, ...rest: readonly unknown[]): number => {
    const out = new BigUint64Array(1);
    call(name, out, ...rest);
    return Number(out[0]);
  };
  call('cuInit', 0);
  const version = integer('cuDriverGetVersion');
  if (version < OLDEST_DRIVER) {
    throw new DeviceError(
      'cuda',
      `the NVIDIA driver must know CUDA 12.0 or newer, this one knows ${showVersion(version)}`,
      `update the NVIDIA driver, ${USE_CPU}`,
    );
  }
  return {
    raw,
    library,
    path: found.path,
    version,
    emulated: isEmulated(library),
    check,
    call,
    make,
    integer,
    enter(context) {
      if (current === context) return;
      call('cuCtxSetCurrent', context);
      current = context;
    },
  };
}

/** 13000 → "13.0". */
export function showVersion(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

function bind(library: Library, path: string): RawDriver {
  const entries = Object.entries(SIGNATURES).map(([name, signature]) => {
    try {
      return [name, library.func(signature)];
    } catch {
      const symbol = /(\w+)\(/.exec(signature)?.[1];
      if (name === 'cuInit') {
        const what = `${path} is not the NVIDIA driver: it has no ${symbol}`;
        throw new DeviceError('cuda', what, `name libcuda.so.1 (nvcuda.dll on Windows), ${USE_CPU}`);
      }
      throw new DeviceError('cuda', `${path} has no ${symbol}`, `update the NVIDIA driver, ${USE_CPU}`);
    }
  });
  return Object.fromEntries(entries) as RawDriver;
}

function errorName(raw: RawDriver, status: number): string {
  const out: [string | null] = [null];
  return raw.cuGetErrorName(status, out) === SUCCESS && out[0] ? out[0] : 'an unknown error';
}

function isEmulated(library: Library): boolean {
  try {
    return (library.func('int qsparseEmulated()') as () => number)() === 1;
  } catch {
    return false;
  }
}

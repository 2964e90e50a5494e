/**
 * cuBLASLt through koffi: the calls that matrix products need, each checked. Addresses and handles are numbers. A failed
 * call throws CudaError with its name, cuBLAS's name of the status and what was asked.
 */
import { CudaError } from '../driver/errors.ts';
import type { Library } from '../driver/libraries.ts';

const SIGNATURES = {
  cublasLtGetVersion: 'size_t cublasLtGetVersion()',
  cublasLtGetStatusName: 'const char *cublasLtGetStatusName(int status)',
  cublasLtCreate: 'int cublasLtCreate(void *handle)',
  cublasLtDestroy: 'int cublasLtDestroy(uintptr_t handle)',
  cublasLtMatrixLayoutCreate:
    'int cublasLtMatrixLayoutCreate(void *layout, int type, uint64 rows, uint64 columns, int64 leading)',
  cublasLtMatrixLayoutSetAttribute:
    'int cublasLtMatrixLayoutSetAttribute(uintptr_t layout, int attribute, const void *value, size_t bytes)',
  cublasLtMatrixLayoutDestroy: 'int cublasLtMatrixLayoutDestroy(uintptr_t layout)',
  cublasLtMatmulDescCreate: 'int cublasLtMatmulDescCreate(void *operation, int compute, int scale)',
  cublasLtMatmulDescSetAttribute:
    'int cublasLtMatmulDescSetAttribute(uintptr_t operation, int attribute, const void *value, size_t bytes)',
  cublasLtMatmulDescDestroy: 'int cublasLtMatmulDescDestroy(uintptr_t operation)',
  cublasLtMatmulPreferenceCreate: 'int cublasLtMatmulPreferenceCreate(void *preference)',
  cublasLtMatmulPreferenceSetAttribute:
    'int cublasLtMatmulPreferenceSetAttribute(uintptr_t preference, int attribute, const void *value, size_t bytes)',
  cublasLtMatmulPreferenceDestroy: 'int cublasLtMatmulPreferenceDestroy(uintptr_t preference)',
  cublasLtMatmulAlgoGetHeuristic:
    'int cublasLtMatmulAlgoGetHeuristic(uintptr_t handle, uintptr_t operation, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t preference, int wanted, void *results, void *found)',
  cublasLtMatmulAlgoCheck:
    'int cublasLtMatmulAlgoCheck(uintptr_t handle, uintptr_t operation, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, const void *algorithm, void *result)',
  cublasLtMatmul:
    'int cublasLtMatmul(uintptr_t handle, uintptr_t operation, uintptr_t alpha, uintptr_t a, uintptr_t aLayout, uintptr_t b, uintptr_t bLayout, uintptr_t beta, uintptr_t c, uintptr_t cLayout, uintptr_t d, uintptr_t dLayout, uintptr_t algorithm, uintptr_t workspace, size_t workspaceBytes, uintptr_t stream)',
} as const;

type Unchecked = 'cublasLtGetVersion' | 'cublasLtGetStatusName';
export type CublasLtCall = Exclude<keyof typeof SIGNATURES, Unchecked>;

type Functions = Readonly<Record<keyof typeof SIGNATURES, (...args: readonly unknown[]) => unknown>>;

/** cublasStatus_t */
export const SUCCESS = 0;
export const NOT_SUPPORTED = 15;

export interface CublasLt {
  readonly raw: Readonly<Record<CublasLtCall, (...args: readonly unknown[]) => number>>;
  /** 10000 · major + 100 · minor + patch. */
  readonly version: number;
  /** Throws CudaError unless `status` is 0. `asked` completes "cublasLtMatmul of …". */
  check(call: CublasLtCall, status: number, asked?: string): void;
  /** Makes a call and checks it. */
  call(call: CublasLtCall, ...args: readonly unknown[]): void;
  /** Makes a call whose first argument points to a handle that it writes; returns it. */
  make(call: CublasLtCall, ...rest: readonly unknown[]): number;
}

/** Throws an Error that names the entry point when the library lacks one. */
export function bindCublasLt(library: Library): CublasLt {
  const functions = Object.fromEntries(
    Object.entries(SIGNATURES).map(([name, signature]) => [name, library.func(signature) as unknown]),
  ) as Functions;
  const raw = functions as CublasLt['raw'];
  const check: CublasLt['check'] = (call, status, asked) => {
    if (status === SUCCESS) return;
    const name = functions.cublasLtGetStatusName(status) ?? 'an unknown status';
    const what = `${call}${asked ? ` of ${asked}` : ''} failed with ${name} (${status})`;
    throw new CudaError(call, status, what, 'set cublasLt: false to use the own kernels instead');
  };
  const call: CublasLt['call'] = (name, ...args) => check(name, raw[name](...args));
  const make: CublasLt['make'] = (name, ...rest) => {
    const out = new BigUint64Array(1);
    call(name, out, ...rest);
    return Number(out[0]);
  };
  return { raw, version: Number(functions.cublasLtGetVersion()), check, call, make };
}

/** 130100 → "13.1.0". */
export function showCublasVersion(version: number): string {
  return `${Math.floor(version / 10_000)}.${Math.floor((version % 10_000) / 100)}.${version % 100}`;
}

/** cuBLASLt's descriptors of a plan: the operation, the layouts of its matrices, and what an algorithm may use. */
import type { CublasLt, CublasLtCall } from './cublas-lt.ts';
import { type ColumnMajor, columnMajor, type GemmDType, type GemmPlan } from './plan.ts';

export interface Descriptors {
  readonly operation: number;
  /** Of b, a, and c as well as d: cuBLASLt's order (plan.ts). */
  readonly first: number;
  readonly second: number;
  readonly result: number;
}

/** cudaDataType_t */
const DATA_TYPES: Readonly<Record<GemmDType, number>> = { f32: 0, bf16: 14 };
/** CUBLAS_COMPUTE_32F: float32 sums; float32 operands stay float32, without TF32. */
const COMPUTE_32F = 68;
/** CUBLAS_OP_T; 0 is CUBLAS_OP_N and the default. */
const TRANSPOSED = 1;
/** cublasLtMatmulDescAttributes_t */
const TRANSPOSE_FIRST = 3;
const TRANSPOSE_SECOND = 4;
/** cublasLtMatrixLayoutAttribute_t */
const BATCH_COUNT = 5;
const BATCH_STRIDE = 6;
/** cublasLtMatmulPreferenceAttributes_t */
const MAX_WORKSPACE_BYTES = 1;
const REDUCTION_SCHEMES = 3;
const MIN_ALIGNMENTS = [5, 6, 7, 8];
/**
 * CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, beside no split at all: parts of a sum in float32, added in a step of their own,
 * so in one order. The schemes left out add in the result's own dtype.
 */
const IN_ORDER = 2;

/** What every operand's address must be a multiple of. No kernel of cuBLASLt loads more than 16 bytes at once. */
export const ALIGNMENT = 16;

/** Sets one attribute, of which cuBLASLt checks the size. */
function set(
  lt: CublasLt,
  call: CublasLtCall,
  target: number,
  attribute: number,
  value: Int32Array | Uint32Array | BigInt64Array | BigUint64Array,
): void {
  lt.call(call, target, attribute, value, value.byteLength);
}

export function createDescriptors(lt: CublasLt, plan: GemmPlan): Descriptors {
  const product = columnMajor(plan);
  const made: (readonly [CublasLtCall, number])[] = [];
  const layout = ({ dtype, rows, columns, leading, stride }: ColumnMajor): number => {
    const handle = lt.make('cublasLtMatrixLayoutCreate', DATA_TYPES[dtype], rows, columns, leading);
    made.push(['cublasLtMatrixLayoutDestroy', handle]);
    if (plan.batch > 1) {
      set(lt, 'cublasLtMatrixLayoutSetAttribute', handle, BATCH_COUNT, Int32Array.of(plan.batch));
      set(lt, 'cublasLtMatrixLayoutSetAttribute', handle, BATCH_STRIDE, BigInt64Array.of(BigInt(stride)));
    }
    return handle;
  };
  try {
    const operation = lt.make('cublasLtMatmulDescCreate', COMPUTE_32F, DATA_TYPES.f32);
    made.push(['cublasLtMatmulDescDestroy', operation]);
    const transposed = Int32Array.of(TRANSPOSED);
    if (product.transposeFirst)
      set(lt, 'cublasLtMatmulDescSetAttribute', operation, TRANSPOSE_FIRST, transposed);
    if (product.transposeSecond)
      set(lt, 'cublasLtMatmulDescSetAttribute', operation, TRANSPOSE_SECOND, transposed);
    return {
      operation,
      first: layout(product.first),
      second: layout(product.second),
      result: layout(product.result),
    };
  } catch (error) {
    for (const [destroy, handle] of made) lt.raw[destroy](handle);
    throw error;
  }
}

export function destroyDescriptors(lt: CublasLt, { operation, first, second, result }: Descriptors): void {
  lt.raw.cublasLtMatmulDescDestroy(operation);
  for (const layout of [first, second, result]) lt.raw.cublasLtMatrixLayoutDestroy(layout);
}

/** What an algorithm may use: this much workspace, addresses of ALIGNMENT, sums in one order. */
export function createPreference(lt: CublasLt, workspaceBytes: number): number {
  const preference = lt.make('cublasLtMatmulPreferenceCreate');
  const call = 'cublasLtMatmulPreferenceSetAttribute';
  set(lt, call, preference, MAX_WORKSPACE_BYTES, BigUint64Array.of(BigInt(workspaceBytes)));
  set(lt, call, preference, REDUCTION_SCHEMES, Uint32Array.of(IN_ORDER));
  for (const attribute of MIN_ALIGNMENTS) set(lt, call, preference, attribute, Uint32Array.of(ALIGNMENT));
  return preference;
}

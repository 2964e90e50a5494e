/** Algorithms of cuBLASLt for one plan: what its heuristic proposes, and whether one that was kept still runs. */
import { type CublasLt, NOT_SUPPORTED, SUCCESS } from './cublas-lt.ts';
import type { Descriptors } from './descriptors.ts';

/** cublasLtMatmulAlgo_t: plain bytes, valid for one version of cuBLASLt. */
export type Algorithm = Uint8Array<ArrayBuffer>;

export const ALGORITHM_BYTES = 64;
/** cublasLtMatmulHeuristicResult_t: the algorithm, size_t workspaceSize, int state, float wavesCount, int reserved[4]. */
const RESULT_BYTES = 96;
const WORKSPACE_OFFSET = 64;
const STATE_OFFSET = 72;

/** Up to `wanted` algorithms, the one that cuBLASLt thinks fastest first; none where it takes no such product. */
export function proposedAlgorithms(
  lt: CublasLt,
  handle: number,
  { operation, first, second, result }: Descriptors,
  preference: number,
  wanted: number,
  asked: string,
): Algorithm[] {
  const results = new Uint8Array(wanted * RESULT_BYTES);
  const found = new Int32Array(1);
  const status = lt.raw.cublasLtMatmulAlgoGetHeuristic(
    ...[handle, operation, first, second, result, result, preference, wanted, results, found],
  );
  if (status === NOT_SUPPORTED) return [];
  lt.check('cublasLtMatmulAlgoGetHeuristic', status, asked);
  const view = new DataView(results.buffer);
  const algorithms: Algorithm[] = [];
  for (let i = 0; i < found[0]!; i++) {
    const start = i * RESULT_BYTES;
    if (view.getInt32(start + STATE_OFFSET, true) !== SUCCESS) continue;
    algorithms.push(results.slice(start, start + ALGORITHM_BYTES));
  }
  return algorithms;
}

/** Whether cuBLASLt takes an algorithm for these descriptors within `workspaceBytes`. */
export function isUsable(
  lt: CublasLt,
  handle: number,
  { operation, first, second, result }: Descriptors,
  algorithm: Algorithm,
  workspaceBytes: number,
): boolean {
  const answer = new Uint8Array(RESULT_BYTES);
  const status = lt.raw.cublasLtMatmulAlgoCheck(
    ...[handle, operation, first, second, result, result, algorithm, answer],
  );
  if (status !== SUCCESS) return false;
  return new DataView(answer.buffer).getBigUint64(WORKSPACE_OFFSET, true) <= BigInt(workspaceBytes);
}

/**
 * Dense matrix products through cuBLASLt. A plan gets descriptors and an algorithm when it is first met; from then on a
 * product is one call that allocates nothing.
 *
 * The algorithm is the fastest of cuBLASLt's proposals, timed on the real operands at the first use outside of a
 * recording; a plan first met while a program is recorded takes the first proposal. Every algorithm gives the same bits
 * at every run, but two may differ from each other: timed choices are kept on disk (choices.ts), so that a restarted run
 * repeats itself, and `timed: false` takes the first proposal always, so that two processes without a common folder agree.
 */
import { OutOfMemoryError } from '@qsparse/core';
import { type Driver, SUCCESS } from '../driver/driver.ts';
import { openLibrary } from '../driver/libraries.ts';
import type { GemmAddresses } from '../launch.ts';
import { type Algorithm, isUsable, proposedAlgorithms } from './algorithms.ts';
import { type Choices, openChoices } from './choices.ts';
import { bindCublasLt, type CublasLt, showCublasVersion } from './cublas-lt.ts';
import { ALIGNMENT, createDescriptors, type Descriptors, destroyDescriptors } from './descriptors.ts';
import { type GemmPlan, planKey } from './plan.ts';
import { type NativeBytes, nativeBytes, openSession, type Session } from './session.ts';
import { createClock, fastestOf } from './trial.ts';

export interface GemmOptions {
  readonly driver: Driver;
  readonly stream: number;
  /** The GPU's name: choices are kept for it. */
  readonly gpu: string;
  /** Where choices are kept; '' keeps none. */
  readonly cacheFolder: string;
  /** Path of cuBLASLt; default: searched. */
  readonly path?: string | undefined;
  /** False takes no product. */
  readonly enabled: boolean;
  /** False takes cuBLASLt's first proposal instead of timing several, and keeps nothing on disk. Default true. */
  readonly timed?: boolean | undefined;
  /** Device memory that algorithms may use. Default 64 MiB, what Hopper's want. */
  readonly workspaceBytes?: number | undefined;
  /** Device memory for a trial's result; may throw. */
  alloc(bytes: number): number;
  free(address: number): void;
  /** Whether a program is being recorded: then nothing can be timed. */
  isCapturing(): boolean;
}

export interface Gemm {
  /**
   * Work that enqueues the product; it may run again. Undefined where cuBLASLt is absent or switched off, takes no such
   * product, or an address is not a multiple of 16. Throws CudaError.
   */
  prepare(plan: GemmPlan, addresses: GemmAddresses): (() => void) | undefined;
  /** What computes products, and why nothing better does. */
  readonly description: string;
  dispose(): void;
}

const WORKSPACE_BYTES = 64 * 2 ** 20;
const CANDIDATES = 8;

export function createGemm(options: GemmOptions): Gemm {
  if (!options.enabled) return noGemm('own kernels (cuBLASLt is switched off)');
  const found = openLibrary('cublasLt', options.path);
  if (!found.library) return noGemm(`own kernels, which are slower: ${found.missing}`);
  let lt: CublasLt;
  try {
    lt = bindCublasLt(found.library);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return noGemm(`own kernels, which are slower: ${found.path}: ${reason}`);
  }
  return cublasLtGemm(options, lt, `cuBLASLt ${showCublasVersion(lt.version)} (${found.path})`);
}

function noGemm(description: string): Gemm {
  return { prepare: () => undefined, description, dispose() {} };
}

/** A plan that is ready: its descriptors and its algorithm in native memory. */
interface Prepared {
  readonly descriptors: Descriptors;
  readonly algorithm: NativeBytes;
}

function cublasLtGemm(options: GemmOptions, lt: CublasLt, description: string): Gemm {
  const { driver, stream, timed = true, workspaceBytes = WORKSPACE_BYTES } = options;
  const prepared = new Map<string, Prepared | undefined>();
  let opened: Session | undefined;
  const session = (): Session => {
    opened ??= openSession(driver, lt, workspaceBytes);
    return opened;
  };
  let choices: Choices | undefined;
  const kept = (): Choices => {
    choices ??= openChoices(timed ? options.cacheFolder : '', options.gpu, lt.version);
    return choices;
  };

  /** Enqueues a product; returns cuBLAS's status. */
  const enqueue = (plan: GemmPlan, ready: Prepared, { a, b, c, d }: GemmAddresses): number => {
    const { handle, one, zero, workspace } = session();
    const { operation, first, second, result } = ready.descriptors;
    const beta = plan.beta === 1 ? one : zero;
    const sum = plan.beta === 1 ? c : d;
    return lt.raw.cublasLtMatmul(
      handle,
      operation,
      one,
      b,
      first,
      a,
      second,
      beta,
      sum,
      result,
      d,
      result,
      ready.algorithm.address,
      workspace,
      workspaceBytes,
      stream,
    );
  };

  /** Memory for the result of a trial, so that a sum is not added to; 0: the real one may be overwritten. */
  const scratchFor = (plan: GemmPlan): number => {
    const bytes = plan.batch * plan.strideD * (plan.result === 'f32' ? 4 : 2);
    return plan.beta === 1 && plan.inPlace ? options.alloc(bytes) : 0;
  };

  /** The fastest proposal on the real operands; undefined when none of them runs. */
  const timedChoice = (
    plan: GemmPlan,
    descriptors: Descriptors,
    proposals: readonly Algorithm[],
    addresses: GemmAddresses,
  ): Algorithm | undefined => {
    const scratch = scratchFor(plan);
    const target = scratch ? { ...addresses, c: scratch, d: scratch } : addresses;
    const trials = proposals.map((algorithm) => ({ descriptors, algorithm: nativeBytes(algorithm) }));
    const { clock, dispose } = createClock(driver, stream);
    try {
      const fastest = fastestOf(trials.length, (index) => enqueue(plan, trials[index]!, target), clock);
      if (!fastest) return undefined;
      const algorithm = proposals[fastest.index]!;
      kept().set(planKey(plan), algorithm, fastest.microseconds);
      return algorithm;
    } finally {
      // What was enqueued may still read the algorithms and write the scratch.
      driver.raw.cuStreamSynchronize(stream);
      dispose();
      for (const trial of trials) trial.algorithm.free();
      if (scratch) options.free(scratch);
    }
  };

  const algorithmOf = (
    plan: GemmPlan,
    descriptors: Descriptors,
    addresses: GemmAddresses,
  ): Algorithm | undefined => {
    const { handle, preference } = session();
    const known = timed ? kept().get(planKey(plan)) : undefined;
    if (known && isUsable(lt, handle, descriptors, known, workspaceBytes)) return known;
    const asked = `${plan.m} x ${plan.n} x ${plan.k}`;
    const wanted = timed ? CANDIDATES : 1;
    const proposals = proposedAlgorithms(lt, handle, descriptors, preference, wanted, asked);
    if (proposals.length < 2 || options.isCapturing()) return proposals[0];
    try {
      return timedChoice(plan, descriptors, proposals, addresses);
    } catch (error) {
      // Without room for a trial, cuBLASLt's own opinion has to do.
      if (error instanceof OutOfMemoryError) return proposals[0];
      throw error;
    }
  };

  const prepare = (plan: GemmPlan, addresses: GemmAddresses): Prepared | undefined => {
    const descriptors = createDescriptors(lt, plan);
    try {
      const algorithm = algorithmOf(plan, descriptors, addresses);
      if (algorithm) return { descriptors, algorithm: nativeBytes(algorithm) };
    } catch (error) {
      destroyDescriptors(lt, descriptors);
      throw error;
    }
    destroyDescriptors(lt, descriptors);
    return undefined;
  };

  return {
    description,
    prepare(plan, addresses) {
      const { a, b, c, d } = addresses;
      if ((a % ALIGNMENT) + (b % ALIGNMENT) + (c % ALIGNMENT) + (d % ALIGNMENT) !== 0) return undefined;
      const key = planKey(plan);
      let ready = prepared.get(key);
      if (!ready) {
        if (prepared.has(key)) return undefined;
        ready = prepare(plan, addresses);
        prepared.set(key, ready);
        if (!ready) return undefined;
      }
      const usable = ready;
      return () => {
        const status = enqueue(plan, usable, addresses);
        if (status !== SUCCESS) lt.check('cublasLtMatmul', status, key);
      };
    },
    dispose() {
      for (const ready of prepared.values()) {
        if (!ready) continue;
        destroyDescriptors(lt, ready.descriptors);
        ready.algorithm.free();
      }
      prepared.clear();
      opened?.close();
    },
  };
}

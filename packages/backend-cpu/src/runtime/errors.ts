// What can go wrong below the tensor level: start, memory, threads. Each error carries a code for programs.

export type RuntimeErrorCode =
  | 'bad-option' // an option of startRuntime is out of range
  | 'no-simd' // the machine cannot run the kernels, or not the build that was asked for
  | 'worker-start' // a worker thread did not start
  | 'worker-trapped' // a kernel crashed on a worker thread
  | 'kernel-trapped' // a kernel crashed on the calling thread
  | 'worker-stalled' // a worker thread stopped answering
  | 'broken' // a launch after one of the three above
  | 'disposed' // a launch after dispose()
  | 'out-of-memory'; // the shared memory cannot grow any further

/** An error of the CPU runtime. The message says what is required, what came and what to do. */
export class CpuRuntimeError extends Error {
  override readonly name: string = 'CpuRuntimeError';
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

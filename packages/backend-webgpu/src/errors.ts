/** What can go wrong below the ops. All are QSparseErrors; after the first, a device throws it at every further use. */
import { DeviceError, QSparseError } from '@qsparse/core';

/** The GPU went away: its driver was reset, the machine slept, the browser took it. Open another device and resume. */
export class DeviceLostError extends DeviceError {
  /** WebGPU's word: `unknown`, or `destroyed` where somebody else ended it. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    const text = firstLine(message);
    super(
      'webgpu',
      `the GPU was lost${text ? ` (${text})` : ''}`,
      'open the device again and resume from a checkpoint',
    );
    this.reason = reason;
  }
}

/** A kernel does not compile, or WebGPU refuses a launch. */
export class KernelError extends QSparseError {
  /** `<module>` or `<module>.<entry point>`; empty where WebGPU did not name one. */
  readonly kernel: string;
  /** File and line of src/kernels and its WGSL, `rows.wgsl:12 let x = 1;`, where a position is known. */
  readonly line: string | undefined;
  /** The op that launched it; empty where WebGPU did not name one, and in a warm-up. */
  readonly op: string;

  constructor(kernel: string, what: string, line?: string, op = '') {
    const from = `${op && `${op}: `}${kernel && `kernel ${kernel}: `}`;
    const place = line === undefined ? '' : `, at \`${line}\``;
    super('device', 'webgpu', `${from}${what}${place}`, 'please report this');
    this.op = op;
    this.kernel = kernel;
    this.line = line;
  }
}

/** Something is larger than the adapter allows. */
export class LimitError extends QSparseError {
  /** The limit's name in WebGPU. */
  readonly limit: string;

  constructor(limit: string, what: string, hint: string) {
    super('device', 'webgpu', `${what} (${limit})`, hint);
    this.limit = limit;
  }
}

export function showBytes(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${bytes} bytes`;
}

export function firstLine(text: string): string {
  return text.trim().split('\n')[0]!.trim();
}

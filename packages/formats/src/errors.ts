// The one error class that every reader and writer of this package throws for bad input. Not for programming
// slips that TypeScript already catches, and never around an AbortSignal's reason: that is thrown as it came.

/**
 * What went wrong, for code that has to decide:
 * - `io` the source or sink failed (file system, network); `truncated` it ended too early
 * - `encoding` not UTF-8; `json` not JSON; `duplicate-key`; `too-deep` nested beyond the limit
 * - `value` a key holds something else than it must; `missing-key`; `unknown-key`
 * - `header` the header as a whole is impossible; `dtype`; `shape`; `offsets`; `byte-count`
 * - `overlap`, `gap`, `trailing` tensors do not tile the data exactly
 * - `missing-tensor`, `unexpected-tensor`, `missing-shard`
 * - `range` bytes outside of the source were asked for; `memory` the machine has no room for one tensor
 */
export type FormatErrorCode =
  | 'io'
  | 'truncated'
  | 'encoding'
  | 'json'
  | 'duplicate-key'
  | 'too-deep'
  | 'value'
  | 'missing-key'
  | 'unknown-key'
  | 'header'
  | 'dtype'
  | 'shape'
  | 'offsets'
  | 'byte-count'
  | 'overlap'
  | 'gap'
  | 'trailing'
  | 'missing-tensor'
  | 'unexpected-tensor'
  | 'missing-shard'
  | 'range'
  | 'memory';

export interface FormatErrorDetails {
  /** The name of the file or address at fault. */
  readonly file?: string | undefined;
  /** The tensor at fault. */
  readonly tensor?: string | undefined;
  /** The key at fault, with the keys around it: `rope_scaling.factor`. */
  readonly key?: string | undefined;
  readonly cause?: unknown;
}

/** Message form: `[reader] where: what is required, what came; what to do`, always one line. */
export class FormatError extends Error {
  readonly code: FormatErrorCode;
  readonly file: string | undefined;
  readonly tensor: string | undefined;
  readonly key: string | undefined;

  constructor(code: FormatErrorCode, message: string, details: FormatErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'FormatError';
    this.code = code;
    this.file = details.file;
    this.tensor = details.tensor;
    this.key = details.key;
  }
}

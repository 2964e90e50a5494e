/** What keeps an evaluation from being made: a file in another form, an example that cannot be scored, a server's answer. */

export type EvaluationErrorCode = 'eval-data' | 'eval-example' | 'eval-server';

/** One line: `[eval] FILE, row N: what is required, what came; what to do`. */
export class EvaluationError extends Error {
  readonly code: EvaluationErrorCode;

  constructor(code: EvaluationErrorCode, message: string) {
    super(`[eval] ${message}`);
    this.name = 'EvaluationError';
    this.code = code;
  }
}

/** Every failure this package raises on purpose: one line, `[function] what is required, what came; what to do`. */

export type ScalingErrorCode =
  /** A number that is not finite, not positive, or outside of its range. */
  | 'value'
  /** Fewer points than constants to find. */
  | 'too-few-points'
  /** Points that cannot tell the constants apart, such as one size alone. */
  | 'degenerate-grid'
  /** No start led to a fit. */
  | 'no-fit';

export class ScalingError extends Error {
  readonly code: ScalingErrorCode;
  /** 0-based index of the point at fault, where there is one. */
  readonly point: number | undefined;

  constructor(code: ScalingErrorCode, where: string, what: string, hint: string, point?: number) {
    super(`[${where}] ${what}; ${hint}`);
    this.name = 'ScalingError';
    this.code = code;
    this.point = point;
  }
}

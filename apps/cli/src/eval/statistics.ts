/** Means of evaluation results and how sure they are. */
import type { Aggregation } from './tasks.ts';

export interface Metric {
  readonly value: number;
  /** Standard error; undefined for a single item. */
  readonly standardError: number | undefined;
}

/**
 * The mean with the deviation of the sample over √n; or exp of minus the mean, whose error is the mean's times the value
 * (first order).
 */
export function aggregate(values: readonly number[], aggregation: Aggregation): Metric {
  const { mean, error } = meanOf(values);
  if (aggregation === 'mean') return { value: mean, standardError: error };
  const value = Math.exp(-mean);
  return { value, standardError: error === undefined ? undefined : value * error };
}

function meanOf(values: readonly number[]): {
  readonly mean: number;
  readonly error: number | undefined;
} {
  const { length } = values;
  const mean = values.reduce((sum, value) => sum + value, 0) / length;
  if (length < 2) return { mean, error: undefined };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (length - 1) / length) };
}

/**
 * Σ value / Σ weight with its standard error (ratio estimator): for losses of windows that have different lengths.
 */
export function ratioOf(
  values: readonly number[],
  weights: readonly number[],
): { readonly ratio: number; readonly error: number | undefined } {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const all = sum(weights);
  const ratio = sum(values) / all;
  const { length } = values;
  if (length < 2) return { ratio, error: undefined };
  const squares = sum(values.map((value, i) => (value - ratio * weights[i]!) ** 2));
  return { ratio, error: Math.sqrt((squares * length) / (length - 1)) / all };
}

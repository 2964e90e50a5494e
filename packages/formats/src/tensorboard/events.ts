/**
 * TensorBoard's event files, written: scalars, histograms and texts by tag and step. A file is `eventFileStart`, then any
 * number of `formatEvent`s, each appended whole; TensorBoard shows what is there while the file grows.
 */
import { FormatError } from '../errors.ts';
import {
  bytesField,
  doubleField,
  floatField,
  join,
  packedDoubles,
  textField,
  wholeField,
} from './protobuf.ts';
import { record } from './record.ts';

export type EventValue =
  | { readonly kind: 'scalar'; readonly tag: string; readonly value: number }
  /** How `values` are distributed. Those that are not finite are left out. */
  | { readonly kind: 'histogram'; readonly tag: string; readonly values: ArrayLike<number> }
  /** Shown as Markdown. */
  | { readonly kind: 'text'; readonly tag: string; readonly text: string };

export interface TrainingEvent {
  /** Of the run, from 0. */
  readonly step: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly values: readonly EventValue[];
}

export interface EventFileOptions {
  /** Seconds since 1970. */
  readonly time: number;
  /** A run that goes on: TensorBoard drops what earlier files of the folder say of this step and later ones. */
  readonly resumedAt?: number | undefined;
}

// Fields of tensorflow.Event, Summary.Value, HistogramProto, TensorProto and SummaryMetadata.
const EVENT = { time: 1, step: 2, version: 3, summary: 5, session: 7 } as const;
const VALUE = { tag: 1, scalar: 2, histogram: 5, tensor: 8, metadata: 9 } as const;
const HISTOGRAM = { min: 1, max: 2, count: 3, sum: 4, squares: 5, limits: 6, buckets: 7 } as const;
const TENSOR = { dtype: 1, shape: 2, strings: 8 } as const;
const STRINGS = 7;
const SESSION_START = 1;
/** As many as TensorBoard draws. */
const BUCKETS = 30;

/** The name that TensorBoard looks for: `events.out.tfevents.` and what makes it unique. */
export const eventFileName = ({ time }: EventFileOptions, unique: string): string =>
  `events.out.tfevents.${Math.floor(time)}.${unique}`;

/** The first bytes of a file. */
export function eventFileStart({ time, resumedAt }: EventFileOptions): Uint8Array {
  const version = record(join([doubleField(EVENT.time, time), textField(EVENT.version, 'brain.Event:2')]));
  if (resumedAt === undefined) return version;
  const session = bytesField(EVENT.session, wholeField(1, SESSION_START));
  const start = join([doubleField(EVENT.time, time), wholeField(EVENT.step, resumedAt), session]);
  return join([version, record(start)]);
}

/** What one step says. Throws FormatError for a step that is no whole number from 0. */
export function formatEvent({ step, time, values }: TrainingEvent): Uint8Array {
  if (!(Number.isSafeInteger(step) && step >= 0)) {
    const what = `a step must be a whole number from 0, got ${step}`;
    throw new FormatError('value', `[tensorboard] ${what}; count the steps of the run`);
  }
  const summary = join(values.map((value) => bytesField(1, summaryValue(value))));
  const head = [doubleField(EVENT.time, time), ...(step > 0 ? [wholeField(EVENT.step, step)] : [])];
  return record(join([...head, bytesField(EVENT.summary, summary)]));
}

function summaryValue(value: EventValue): Uint8Array {
  const tag = textField(VALUE.tag, value.tag);
  if (value.kind === 'scalar') return join([tag, floatField(VALUE.scalar, value.value)]);
  if (value.kind === 'histogram') return join([tag, bytesField(VALUE.histogram, histogram(value.values))]);
  const shape = bytesField(TENSOR.shape, bytesField(2, wholeField(1, 1)));
  const tensor = join([wholeField(TENSOR.dtype, STRINGS), shape, textField(TENSOR.strings, value.text)]);
  const metadata = bytesField(1, textField(1, 'text'));
  return join([tag, bytesField(VALUE.tensor, tensor), bytesField(VALUE.metadata, metadata)]);
}

/** Buckets of equal width from the smallest value to the largest; a limit is the right edge of its bucket. */
function histogram(values: ArrayLike<number>): Uint8Array {
  let [min, max, sum, squares, finite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  // Twice over the values as they are: a copy of a large weight is what would cost.
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    squares += value * value;
    finite += 1;
  }
  if (finite === 0) [min, max] = [0, 0];
  const width = (max - min) / BUCKETS;
  const count = width > 0 ? BUCKETS : 1;
  const buckets = Array.from({ length: count }, () => 0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isFinite(value))
      buckets[width > 0 ? Math.min(count - 1, Math.floor((value - min) / width)) : 0]! += 1;
  }
  const limits = buckets.map((_, i) => (i === count - 1 ? max : min + (i + 1) * width));
  return join([
    doubleField(HISTOGRAM.min, min),
    doubleField(HISTOGRAM.max, max),
    doubleField(HISTOGRAM.count, finite),
    doubleField(HISTOGRAM.sum, sum),
    doubleField(HISTOGRAM.squares, squares),
    packedDoubles(HISTOGRAM.limits, limits),
    packedDoubles(HISTOGRAM.buckets, buckets),
  ]);
}

/** What is kept of a run, in a file that later runs add to. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFileAtomic } from '@qsparse/formats/node';
import type { PeerShapeName } from './shapes.ts';

/** Tokens a second. */
export interface Rate {
  readonly best: number;
  readonly median: number;
}

export interface Measurement {
  readonly engine: string;
  readonly version: string;
  readonly place: 'Node' | 'Chromium';
  readonly shape: PeerShapeName;
  readonly weights: string;
  readonly threads: number;
  /** Share of inputs left out; 0 is dense. */
  readonly sparsity: number;
  readonly decode: Rate;
  /** Of a prompt of 256 tokens. */
  readonly prefill?: Rate | undefined;
  /** Of the process, prompt and text included. */
  readonly peakMegabytes?: number | undefined;
  readonly date: string;
}

export interface Measurements {
  readonly machine: string;
  readonly measurements: readonly Measurement[];
}

/** None where the file is not there. */
export function readMeasurements(path: string | undefined): readonly Measurement[] {
  if (path === undefined || !existsSync(path)) return [];
  return (JSON.parse(readFileSync(path, 'utf8')) as Measurements).measurements;
}

export async function writeMeasurements(path: string, measurements: Measurements): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(measurements, undefined, 2)}\n`);
}

/** A new one takes the place of an old one of the same kind. */
export function merged(old: readonly Measurement[], fresh: readonly Measurement[]): readonly Measurement[] {
  const all = new Map([...old, ...fresh].map((one) => [keyOf(one), one]));
  return [...all.values()];
}

const keyOf = ({ engine, place, shape, weights, threads, sparsity }: Measurement): string =>
  [engine, place, shape, weights, threads, sparsity].join(' ');

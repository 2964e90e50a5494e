/**
 * One run of a sweep, by the command that users type, `qsparse train`, with its events read in place of printed. Begins the
 * run, goes on with it, or measures one that was finished but not yet written down.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import { countParameters } from '@qsparse/layers';
import { readModelConfig, resolveModelFolder } from 'qsparse/node';
import { stringify } from 'yaml';
import { parseArguments } from '../command.ts';
import { command as train } from '../commands/train.ts';
import { processInput } from '../input.ts';
import type { Output } from '../output.ts';
import { ScalingInputError } from './csv.ts';
import { measureRun } from './measure-run.ts';
import { selectedShare } from './selected-share.ts';
import type { SweepRow } from './sweep-table.ts';
import type { Cell, Sweep } from './sweep-yaml.ts';

export interface SweepRunOptions {
  readonly sweep: Sweep;
  readonly folder: string;
  /** `--device cuda` and the like, for `qsparse train`. */
  readonly deviceArguments: readonly string[];
  /** Of steps and their loss. */
  readonly onStep: (step: number, loss: number) => void;
  /** What is taken down when standard output goes away. */
  readonly output: Pick<Output, 'onGone'>;
}

/** The row of a run that is finished; undefined where a signal ended it, with everything saved. */
export async function runCell(cell: Cell, options: SweepRunOptions): Promise<SweepRow | undefined> {
  const { sweep, folder, deviceArguments } = options;
  const yaml = join(folder, 'cells', `${cell.id}.yaml`);
  const run = join(folder, 'runs', cell.id);
  const text = stringify({ preset: sweep.preset, data: sweep.data, ...cell.settings });
  if (existsSync(yaml) && readFileSync(yaml, 'utf8') !== text)
    throw new ScalingInputError(
      yaml,
      `${cell.id} began with these settings, the sweep now says others`,
      'use another --out, or put the sweep back as it was',
    );
  await withFileErrors('scaling', folder, () => mkdir(join(folder, 'cells'), { recursive: true }));
  await writeFileAtomic(yaml, text);
  const begun = existsSync(join(run, 'run.yaml'));
  const argv = begun ? ['--resume', run] : [yaml, '--out', run];
  const events = createEvents(options);
  const code = await train.run(
    parseArguments(train, [...argv, '--json', ...deviceArguments]),
    events.output,
    processInput(),
  );
  const { done, seconds, tokens, device } = events;
  if (code !== 0 || !done) return undefined;
  const measured = done.validationLoss === undefined ? await measureRun(run, deviceArguments) : done;
  const { decoder } = await readModelConfig(await resolveModelFolder(run));
  const { linear: parameters, total } = countParameters(decoder);
  const sparsity = selectedShare(decoder);
  return {
    run: cell.id,
    size: cell.size,
    variant: cell.variant,
    sparsity_target: cell.sparsity,
    seed: cell.seed,
    parameters,
    total_parameters: total,
    active: Math.round(parameters * (1 - sparsity)),
    sparsity,
    measured_sparsity: measured.sparsity?.overall ?? '',
    loss: measured.validationLoss ?? '',
    bits_per_byte: measured.bitsPerByte ?? '',
    steps: done.step ?? '',
    tokens: tokens ?? '',
    seconds: Number(seconds.toFixed(1)),
    device,
  };
}

/** What the last event of a run says of it. */
interface Done {
  readonly step?: number;
  readonly validationLoss?: number | undefined;
  readonly bitsPerByte?: number | undefined;
  readonly sparsity?: { readonly overall: number } | undefined;
}

interface Event extends Done {
  readonly event: string;
  readonly loss?: number;
  readonly device?: string;
  readonly tokens?: number;
  readonly description?: string;
}

/** Reads the lines of `--json`. */
function createEvents({ onStep, output: outer }: SweepRunOptions) {
  const start = performance.now();
  const read: { done: Done | undefined; tokens: number | undefined; device: string } = {
    done: undefined,
    tokens: undefined,
    device: '',
  };
  const output: Output = {
    isTerminal: false,
    columns: 80,
    write() {},
    error() {},
    line(text) {
      const event = JSON.parse(text) as Event;
      if (event.event === 'run') read.device = event.device ?? '';
      else if (event.event === 'step') {
        read.tokens = event.tokens;
        onStep(event.step ?? 0, event.loss ?? Number.NaN);
      } else if (event.event === 'done') read.done = event;
    },
  };
  outer.onGone = () => output.onGone?.();
  return {
    output,
    get done() {
      return read.done;
    },
    get tokens() {
      return read.tokens;
    },
    get device() {
      return read.device;
    },
    get seconds() {
      return (performance.now() - start) / 1000;
    },
  };
}

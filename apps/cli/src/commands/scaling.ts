/** `qsparse scaling fit|optimum|plot|sweep`: the scaling law from runs, its optimal sparsity, charts, and the runs themselves. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName } from '@qsparse/formats';
import { withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import {
  type BootstrapOptions,
  CONSTANTS,
  type ConstantName,
  DEFAULT_DELTA,
  DEFAULT_UNIT,
  PRESETS,
  type PresetName,
} from '@qsparse/scaling';
import { chartSvg } from '../chart/figure.ts';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  integerFlag,
  numberFlag,
  PROGRAM,
  UsageError,
} from '../command.ts';
import { listenForInterrupt } from '../interrupt.ts';
import type { Output } from '../output.ts';
import { fitData, fitGroup, fitLines, type GroupFit } from '../scaling/fit-report.ts';
import { type LawToDraw, lawCharts } from '../scaling/law-charts.ts';
import { readPoints } from '../scaling/measured-points.ts';
import {
  type OptimumOptions,
  optimumData,
  optimumLines,
  presetNotes,
  USUAL_SPARSITIES,
} from '../scaling/optimum-report.ts';
import { runSweep } from '../scaling/sweep.ts';
import { readSweepYaml } from '../scaling/sweep-yaml.ts';

const ACTIONS = { fit, optimum, plot, sweep } as const satisfies Record<
  string,
  (paths: readonly string[], args: Arguments, output: Output) => Promise<number>
>;

export const command: Command = {
  name: 'scaling',
  usage: 'fit|optimum|plot [TABLE.csv|RUN…] [--preset NAME], or sweep GRID.yaml --out DIR',
  summary:
    'Fits L(N, S) = E + (B + C exp(β / (1 − S))) / N^α to trained models, finds the inference-optimal sparsity, draws both, trains the grid.',
  positionals: Number.MAX_SAFE_INTEGER,
  options: {
    preset: {
      type: 'string',
      value: 'NAME',
      help: `constants in place of a table: ${Object.keys(PRESETS).join(', ')}`,
    },
    out: {
      type: 'string',
      value: 'DIR',
      help: 'plot: folder of the charts (default: .); sweep: folder of the runs',
    },
    active: {
      type: 'string',
      value: 'N',
      help: 'optimum: active parameters, for instance 7e9 (default: N = 1 of the law)',
    },
    parameters: { type: 'string', value: 'COLUMN', help: 'column of N (default parameters)' },
    sparsity: { type: 'string', value: 'COLUMN', help: 'column of S (default sparsity)' },
    loss: { type: 'string', value: 'COLUMN', help: 'column of L (default loss)' },
    by: {
      type: 'string',
      value: 'COLUMN',
      help: 'rows that differ in it are fitted apart (default: variant, where there is one)',
    },
    unit: {
      type: 'string',
      value: 'N',
      help: `parameters that N = 1 stands for (default ${DEFAULT_UNIT.toExponential()})`,
    },
    delta: {
      type: 'string',
      value: 'D',
      help: `of the Huber loss of log residuals (default ${DEFAULT_DELTA})`,
    },
    fix: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      help: 'a constant that is known: E, B, C, alpha or beta; may be given repeatedly',
    },
    resamples: { type: 'string', value: 'N', help: 'bootstrap fits behind the intervals (default 200)' },
    level: { type: 'string', value: 'P', help: 'of the intervals (default 0.95)' },
    seed: { type: 'string', value: 'N', help: 'of the resamples (default 0)' },
    ...DEVICE_OPTIONS,
  },
  run(args, output) {
    const [action, ...paths] = args.positionals;
    if (action !== undefined && Object.hasOwn(ACTIONS, action))
      return ACTIONS[action as keyof typeof ACTIONS](paths, args, output);
    const names = Object.keys(ACTIONS);
    const near = action === undefined ? undefined : nearestName(action, names);
    throw new UsageError(
      `[scaling] say what to do: ${names.join(', ')}${action === undefined ? '' : `, got "${action}"`}${near ? `; did you mean ${near}?` : `; see ${PROGRAM} scaling --help`}`,
    );
  },
};

async function fit(paths: readonly string[], args: Arguments, output: Output): Promise<number> {
  for (const one of await fitsOf('fit', paths, args))
    output.line(args.flags.json ? JSON.stringify(fitData(one)) : fitLines(one).join('\n'));
  return 0;
}

async function optimum(paths: readonly string[], args: Arguments, output: Output): Promise<number> {
  const preset = presetOf(args, paths);
  const given = numberFlag('scaling', 'active', args.flags.active);
  if (given !== undefined && given <= 0)
    throw new UsageError(`[scaling] --active must be above 0, got ${given}`);
  const print = (options: Omit<OptimumOptions, 'active' | 'sparsities'>): void => {
    const all = { ...options, active: given ?? options.law.unit, sparsities: USUAL_SPARSITIES };
    output.line(args.flags.json ? JSON.stringify(optimumData(all)) : optimumLines(all).join('\n'));
  };
  if (preset) {
    const [title = '', ...notes] = presetNotes(preset);
    print({ title, law: PRESETS[preset].law });
    if (!args.flags.json) for (const note of notes) output.line(note);
    return 0;
  }
  for (const { group, fit: fitted, intervals } of await fitsOf('optimum', paths, args))
    print({
      title: `${group.name || 'fit'}: ${group.points.length} points`,
      law: fitted.law,
      interval: intervals.sparsity,
    });
  return 0;
}

async function plot(paths: readonly string[], args: Arguments, output: Output): Promise<number> {
  const preset = presetOf(args, paths);
  const laws: readonly LawToDraw[] = preset
    ? [{ name: preset, law: PRESETS[preset].law, points: [] }]
    : (await fitsOf('plot', paths, args)).map(({ group, fit: { law }, intervals }) => ({
        name: group.name,
        law,
        points: group.points,
        intervals,
      }));
  const folder = String(args.flags.out ?? '.');
  await withFileErrors('scaling', folder, () => mkdir(folder, { recursive: true }));
  const files: string[] = [];
  for (const law of laws) {
    const suffix = law.name === '' ? '' : `-${law.name.replaceAll(/[^\w.+-]+/g, '-')}`;
    for (const [name, chart] of Object.entries(lawCharts(law))) {
      const file = join(folder, `${name}${suffix}.svg`);
      await writeFileAtomic(file, chartSvg(chart));
      files.push(file);
    }
  }
  output.line(args.flags.json ? JSON.stringify({ files }) : files.join('\n'));
  return 0;
}

async function sweep(paths: readonly string[], args: Arguments, output: Output): Promise<number> {
  const [file, ...more] = paths;
  const { out, device, threads } = args.flags;
  if (file === undefined || more.length > 0 || typeof out !== 'string' || out === '')
    throw new UsageError(
      `[scaling] sweep takes one file and a folder: ${PROGRAM} scaling sweep GRID.yaml --out DIR`,
    );
  deviceFlags('scaling', args);
  const grid = await readSweepYaml(file);
  const deviceArguments = Object.entries({ device, threads }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const interrupt = listenForInterrupt(() =>
    output.error('stopping after this step and saving; once more stops without saving'),
  );
  try {
    return await runSweep(grid, {
      folder: out,
      deviceArguments,
      json: args.flags.json === true,
      output,
      interrupt,
    });
  } finally {
    interrupt.dispose();
  }
}

/** Throws UsageError, and ScalingInputError naming file and row. */
async function fitsOf(
  action: string,
  paths: readonly string[],
  args: Arguments,
): Promise<readonly GroupFit[]> {
  if (paths.length === 0)
    throw new UsageError(
      `[scaling] ${action} needs a table or run folders: ${PROGRAM} scaling ${action} sweep.csv${action === 'fit' ? '' : `, or --preset ${Object.keys(PRESETS)[0]}`}`,
    );
  const text = (name: string, usual: string): string => String(args.flags[name] ?? usual);
  const groups = await readPoints(paths, {
    parameters: text('parameters', 'parameters'),
    sparsity: text('sparsity', 'sparsity'),
    loss: text('loss', 'loss'),
    by: args.flags.by === undefined ? undefined : String(args.flags.by),
  });
  const options = fitOptions(args);
  return groups.map((group) => fitGroup(group, options));
}

/** Throws UsageError. */
function fitOptions({ flags }: Arguments): BootstrapOptions {
  const number = (name: string): number | undefined => numberFlag('scaling', name, flags[name]);
  const fixed = ((flags.fix ?? []) as readonly string[]).map((text) => {
    const [name = '', value = ''] = text.split('=');
    if (CONSTANTS.includes(name as ConstantName) && value !== '' && Number.isFinite(Number(value)))
      return [name, Number(value)] as const;
    throw new UsageError(
      `[scaling] --fix must be NAME=VALUE with a name of ${CONSTANTS.join(', ')}, got "${text}"`,
    );
  });
  return {
    unit: number('unit'),
    delta: number('delta'),
    level: number('level'),
    fixed: Object.fromEntries(fixed),
    resamples: integerFlag('scaling', 'resamples', flags.resamples, { min: 10 }),
    seed: integerFlag('scaling', 'seed', flags.seed),
  };
}

/** Throws UsageError for one that does not exist, or for one beside tables. */
function presetOf({ flags: { preset } }: Arguments, paths: readonly string[]): PresetName | undefined {
  if (preset === undefined) return undefined;
  const names = Object.keys(PRESETS);
  if (!names.includes(String(preset))) {
    const near = nearestName(String(preset), names);
    throw new UsageError(
      `[scaling] there is no preset "${preset}"; ${near ? `did you mean ${near}?` : `choose of ${names.join(', ')}`}`,
    );
  }
  if (paths.length > 0)
    throw new UsageError('[scaling] --preset and tables exclude each other; give one of them');
  return preset as PresetName;
}

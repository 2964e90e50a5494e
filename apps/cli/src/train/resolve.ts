/** What a run is to do, from all that says so: defaults, the base model, preset, run.yaml, flags; a later source wins. */
import { resolve } from 'node:path';
import type { DecoderConfig } from '@qsparse/layers';
import { type Arguments, PROGRAM, UsageError } from '../command.ts';
import { openSource } from '../convert/source.ts';
import { BUNDLED } from './corpus.ts';
import { continuedConfig, decoderConfig, loraOptions, settingsOfBase } from './model.ts';
import { DEFAULT_PRESET, INIT_PRESETS, PRESETS } from './presets.ts';
import { runYamlOf } from './run-folder.ts';
import { PATHS, type RunFile, readRunYaml } from './run-yaml.ts';
import {
  mergeSettings,
  parseSetting,
  presetSettings,
  SETTINGS,
  SettingError,
  type SettingName,
  type Settings,
  type SomeSettings,
} from './settings.ts';

export interface Resolved {
  readonly settings: Settings;
  readonly data: readonly string[];
  readonly preset: string;
  /** The folder, where one was asked for. */
  readonly out: string | undefined;
  readonly resume: boolean;
}

/** What may differ when a run goes on: how long and how often, never what is learnt from. */
const CHANGEABLE: readonly string[] = [
  'steps',
  'epochs',
  'validate-every',
  'validation-batches',
  'save-every',
  'sample-every',
  'sample-prompt',
  'diagnostics-every',
  'tensorboard',
  'peak-tflops',
] satisfies readonly SettingName[];

/** Throws UsageError or SettingError, and what reading the base's config throws. */
export async function resolveSettings({ flags, positionals }: Arguments): Promise<Resolved> {
  const [resume, out, preset] = [flags.resume, flags.out, flags.preset] as (string | undefined)[];
  for (const [name, value] of Object.entries({ resume, out }))
    if (value === '') throw new UsageError(`[train] --${name} must name a folder, got ""`);
  if (resume !== undefined && (positionals.length > 0 || preset !== undefined || out !== undefined)) {
    throw new UsageError(
      `[train] --resume goes on with a run as it was set up; leave out run.yaml, --preset and --out, or start a new run; see ${PROGRAM} train --help`,
    );
  }
  const yaml = resume === undefined ? positionals[0] : runYamlOf(resume);
  const file = yaml === undefined ? undefined : await readRunYaml(yaml, preset);
  const changes = settingsOfFlags(flags, resume !== undefined);
  const { settings, preset: chosen } = await merged(file, changes, preset, resume !== undefined);
  checkTogether(settings);
  const files = flags.data as readonly string[] | undefined;
  return {
    settings,
    data: files?.map((path) => (path === BUNDLED ? BUNDLED : resolve(path))) ?? file?.data ?? [BUNDLED],
    preset: chosen,
    out: resume ?? out,
    resume: resume !== undefined,
  };
}

function settingsOfFlags(flags: Arguments['flags'], resumes: boolean): SomeSettings {
  const given = Object.keys(SETTINGS).filter((name) => flags[name] !== undefined);
  const fixed = given.find((name) => resumes && !CHANGEABLE.includes(name));
  if (fixed !== undefined) {
    throw new SettingError(
      `[train] --${fixed} cannot change in a run that goes on, only ${CHANGEABLE.join(', ')}; start a new run`,
    );
  }
  const entries = given.map((name) => {
    const value = parseSetting(name, flags[name], 'train', `--${name}`);
    return [name, PATHS.includes(name) && value !== '' ? resolve(String(value)) : value] as const;
  });
  return Object.fromEntries(entries);
}

/** A run that goes on has every setting in its run.yaml; a new one may start from a base. */
async function merged(
  file: RunFile | undefined,
  changes: SomeSettings,
  preset: string | undefined,
  resumes: boolean,
): Promise<{ readonly settings: Settings; readonly preset: string }> {
  const own = { ...file?.own.settings, ...changes };
  if (resumes || !own.init) {
    const chosen = file?.preset ?? preset ?? DEFAULT_PRESET;
    const settings = mergeSettings(file?.settings ?? presetSettings(chosen), changes, 'train');
    if (!resumes) decoderConfig(settings, Math.max(settings.vocabulary, 257));
    return { settings, preset: chosen };
  }
  const ownTokenizer = (['tokenizer', 'vocabulary'] as const).find((name) => own[name] !== undefined);
  if (ownTokenizer !== undefined)
    throw new SettingError(`[train] ${own.init} brings its tokenizer; leave ${ownTokenizer} out`);
  const chosen = preset ?? file?.own.preset ?? INIT_PRESETS[own.task ?? 'text'];
  const { decoder } = await openSource(own.init);
  const start = mergeSettings(presetSettings(chosen), settingsOfBase(decoder), 'init');
  const sources = [presetOf(chosen), file?.own.settings ?? {}, changes];
  const settings = sources.reduce<Settings>(
    (before, source) => mergeSettings(before, source, 'train'),
    start,
  );
  checkBase(decoder, settings);
  return { settings, preset: chosen };
}

/** What the preset itself says, which goes before what the base has. */
const presetOf = (name: string): SomeSettings => PRESETS[name as keyof typeof PRESETS].settings;

/** What cannot be built fails here, before anything is made. */
function checkBase(decoder: DecoderConfig, settings: Settings): void {
  continuedConfig(decoder, settings);
  loraOptions(settings);
}

function checkTogether({ task, init, 'lora-rank': rank, ema }: Settings): void {
  if (init === '' && task !== 'text')
    throw new SettingError(`[train] task ${task} teaches a model that is there; give it with --init`);
  if (init === '' && rank > 0)
    throw new SettingError('[train] lora-rank adapts a model that is there; give it with --init');
  if (rank > 0 && ema > 0)
    throw new SettingError('[train] ema keeps an average of all weights; leave it out, or lora-rank');
}

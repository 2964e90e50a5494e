/** `qsparse train`: settings from preset, run.yaml and flags; a run in a folder of its own; Ctrl-C saves. */
import { join, resolve } from 'node:path';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  PROGRAM,
  UsageError,
} from '../command.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { BUNDLED } from '../train/corpus.ts';
import { decoderConfig } from '../train/model.ts';
import { DEFAULT_PRESET, PRESETS } from '../train/presets.ts';
import { createProgress } from '../train/progress.ts';
import { runTraining } from '../train/run.ts';
import { openFreeRunFolder, openRunFolder, type RunFolder, runYamlOf } from '../train/run-folder.ts';
import { readRunYaml } from '../train/run-yaml.ts';
import {
  mergeSettings,
  parseSetting,
  presetSettings,
  SETTINGS,
  SettingError,
  type SettingName,
  type Settings,
  settingOptions,
} from '../train/settings.ts';

/** What may differ when a run goes on: how long and how often, never what is learnt from. */
const CHANGEABLE: readonly string[] = [
  'steps',
  'validate-every',
  'validation-batches',
  'save-every',
  'sample-every',
  'sample-prompt',
] satisfies readonly SettingName[];

export const command: Command = {
  name: 'train',
  usage: '[run.yaml] [--preset tiny] [--data FILE…] [--out DIR] [--resume DIR] [any setting]',
  summary: 'Trains a Q-Sparse model on text; without --data on the novels that come along.',
  positionals: 1,
  options: {
    preset: { type: 'string', value: 'NAME', help: presetHelp() },
    data: {
      type: 'string',
      multiple: true,
      value: 'FILE',
      help: '.txt or .jsonl, also .gz or .br; may be given more than once',
    },
    out: { type: 'string', value: 'DIR', help: 'run folder (default: runs/PRESET, the first free one)' },
    resume: { type: 'string', value: 'DIR', help: 'go on with a run, exactly where its last checkpoint was' },
    ...DEVICE_OPTIONS,
    ...settingOptions(),
  },
  async run(args, output) {
    const device = deviceFlags('train', args);
    const { settings, data, preset, out, resume } = await resolveSettings(args);
    // With the largest vocabulary that is possible: what cannot be built fails here, before anything is made.
    decoderConfig(settings, Math.max(settings.vocabulary, 257));
    const progress = createProgress(output, { json: args.flags.json === true, totalSteps: settings.steps });
    const interrupt = listenForInterrupt(() =>
      progress.note('stopping after this step and saving; once more stops without saving'),
    );
    output.onGone = () => interrupt.stop();
    let folder: RunFolder | undefined;
    try {
      folder =
        out === undefined
          ? await openFreeRunFolder(join('runs', preset))
          : await openRunFolder(out, { resume });
      progress.note(`run        ${folder.path}`);
      const options = { settings, data, folder, resume, device, progress, signal: interrupt.signal };
      const end = await runTraining(options);
      return end === 'stopped' ? (interrupt.exitCode ?? 0) : 0;
    } catch (error) {
      if (interrupt.exitCode !== undefined && error === interrupt.signal.reason) {
        progress.note('stopped before the first step: there is nothing to save');
        return interrupt.exitCode;
      }
      throw error;
    } finally {
      // First the folder: a second Ctrl-C must find the lock given up, or give it up.
      await folder?.close();
      output.onGone = undefined;
      interrupt.dispose();
    }
  },
};

function presetHelp(): string {
  const lines = Object.entries(PRESETS).map(([name, { summary }]) => `${name}: ${summary}`);
  return `${lines.join('; ')} (default ${DEFAULT_PRESET})`;
}

interface Resolved {
  readonly settings: Settings;
  readonly data: readonly string[];
  readonly preset: string;
  /** The folder, where one was asked for. */
  readonly out: string | undefined;
  readonly resume: boolean;
}

/** Defaults, preset, run.yaml (given, or that of the run to resume), flags. Throws UsageError or SettingError. */
async function resolveSettings({ flags, positionals }: Arguments): Promise<Resolved> {
  const [resume, out, preset] = [flags.resume, flags.out, flags.preset] as (string | undefined)[];
  for (const [name, value] of Object.entries({ resume, out }))
    if (value === '') throw new UsageError(`[train] --${name} must name a folder, got ""`);
  if (resume !== undefined && (positionals.length > 0 || preset !== undefined || out !== undefined)) {
    throw new UsageError(
      `[train] --resume goes on with a run as it was set up; leave out run.yaml, --preset and --out, or start a new run; see ${PROGRAM} train --help`,
    );
  }
  const yaml = resume === undefined ? positionals[0] : runYamlOf(resume);
  const chosen = preset ?? DEFAULT_PRESET;
  const file =
    yaml === undefined
      ? { preset: chosen, data: undefined, settings: presetSettings(chosen) }
      : await readRunYaml(yaml, preset);
  const given = Object.keys(SETTINGS).filter((name) => flags[name] !== undefined);
  const fixed = given.find((name) => resume !== undefined && !CHANGEABLE.includes(name));
  if (fixed !== undefined) {
    throw new SettingError(
      `[train] --${fixed} cannot change in a run that goes on, only ${CHANGEABLE.join(', ')}; start a new run`,
    );
  }
  const changes = Object.fromEntries(
    given.map((name) => [name, parseSetting(name, flags[name], 'train', `--${name}`)]),
  );
  const files = flags.data as readonly string[] | undefined;
  return {
    settings: mergeSettings(file.settings, changes, 'train'),
    data: files?.map((path) => (path === BUNDLED ? BUNDLED : resolve(path))) ?? file.data ?? [BUNDLED],
    preset: file.preset,
    out: resume ?? out,
    resume: resume !== undefined,
  };
}

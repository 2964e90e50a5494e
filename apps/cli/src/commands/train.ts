/** `qsparse train`: settings from preset, run.yaml and flags; a run in a folder of its own; Ctrl-C saves. */
import { join, resolve } from 'node:path';
import type { DeviceName } from 'qsparse';
import { type Arguments, type Command, integerFlag, PROGRAM, UsageError } from '../command.ts';
import { BUNDLED_TEXT } from '../train/corpus.ts';
import { createProgress, type Style } from '../train/progress.ts';
import { runTraining } from '../train/run.ts';
import { freeRunFolder, openRunFolder } from '../train/run-folder.ts';
import { type RunFile, readRunYaml } from '../train/run-yaml.ts';
import {
  parseSetting,
  presetSettings,
  SETTINGS,
  SettingError,
  type Settings,
  settingOptions,
} from '../train/settings.ts';

export const command: Command = {
  name: 'train',
  usage: '[run.yaml] [--preset tiny] [--data FILE…] [--out DIR] [--resume DIR] [any setting]',
  summary: 'Trains a Q-Sparse model on text; without --data on the novels that come along.',
  positionals: 1,
  options: {
    preset: { type: 'string', value: 'NAME', help: 'tiny (default)' },
    data: {
      type: 'string',
      multiple: true,
      value: 'FILE',
      help: '.txt or .jsonl, also .gz or .br; may be given more than once',
    },
    out: { type: 'string', value: 'DIR', help: 'run folder (default: runs/PRESET, the first free one)' },
    resume: { type: 'string', value: 'DIR', help: 'go on with a run, exactly where its last checkpoint was' },
    device: { type: 'string', value: 'NAME', help: 'cpu, reference or auto (default)' },
    threads: { type: 'string', value: 'N', help: 'threads of the cpu device (default: all cores)' },
    ...settingOptions(),
  },
  async run(args) {
    const { flags } = args;
    const resume = typeof flags.resume === 'string';
    const { settings, data, preset } = await resolveSettings(args);
    const path = resume
      ? (flags.resume as string)
      : ((flags.out as string | undefined) ?? freeRunFolder(join('runs', preset)));
    const style: Style = flags.json ? 'json' : process.stdout.isTTY ? 'terminal' : 'plain';
    const progress = createProgress(style, settings.steps);
    const stop = new AbortController();
    const onSignal = () => {
      if (stop.signal.aborted) process.exit(130);
      progress.note('stopping after this step and saving; once more stops at once');
      stop.abort();
    };
    const folder = openRunFolder(path, { resume });
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
    try {
      progress.note(`run        ${path}`);
      await runTraining({
        settings,
        data,
        folder,
        resume,
        device: (flags.device ?? 'auto') as DeviceName,
        threads: integerFlag('train', 'threads', flags.threads, { min: 1 }),
        progress,
        signal: stop.signal,
      });
      return 0;
    } catch (error) {
      progress.end();
      if (stop.signal.aborted && error === stop.signal.reason) return 0;
      throw error;
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      folder.close();
    }
  },
};

/** Defaults, preset, run.yaml (given, or that of the run to resume), flags. Throws UsageError or SettingError. */
async function resolveSettings({
  flags,
  positionals,
}: Arguments): Promise<{ settings: Settings; data: readonly string[]; preset: string }> {
  const resume = flags.resume as string | undefined;
  if (
    resume !== undefined &&
    (positionals.length > 0 || flags.preset !== undefined || flags.out !== undefined)
  ) {
    throw new UsageError(
      `[train] --resume goes on with a run as it was set up; leave out run.yaml, --preset and --out, or start a new run; see ${PROGRAM} train --help`,
    );
  }
  const yaml = resume !== undefined ? join(resume, 'run.yaml') : positionals[0];
  const file: RunFile = yaml === undefined ? { settings: {} } : await readRunYaml(yaml);
  const preset = (flags.preset as string | undefined) ?? file.preset ?? 'tiny';
  let settings: Settings = { ...presetSettings(preset), ...file.settings };
  for (const name of Object.keys(SETTINGS)) {
    if (flags[name] === undefined) continue;
    if (resume !== undefined && !CHANGEABLE.has(name)) {
      throw new SettingError(
        `[train] --${name} cannot change in a run that goes on, only ${[...CHANGEABLE].join(', ')}; start a new run`,
      );
    }
    settings = { ...settings, [name]: parseSetting(name, flags[name], `--${name}`) };
  }
  const given = flags.data as readonly string[] | undefined;
  const data = (given ?? file.data ?? [BUNDLED_TEXT]).map((path) => resolve(path));
  return { settings, data, preset };
}

/** What may differ when a run goes on: how long and how often, never what is learnt from. */
const CHANGEABLE = new Set([
  'steps',
  'validate-every',
  'save-every',
  'sample-every',
  'sample-prompt',
  'validation-batches',
]);

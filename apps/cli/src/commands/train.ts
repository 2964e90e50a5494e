/** `qsparse train`: settings from preset, run.yaml and flags; a run in a folder of its own; Ctrl-C saves. */
import { join } from 'node:path';
import { type Command, DEVICE_OPTIONS, deviceFlags } from '../command.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { DEFAULT_PRESET, INIT_PRESETS, PRESETS } from '../train/presets.ts';
import { createProgress } from '../train/progress.ts';
import { resolveSettings } from '../train/resolve.ts';
import { runTraining } from '../train/run.ts';
import { openFreeRunFolder, openRunFolder, type RunFolder } from '../train/run-folder.ts';
import { settingOptions } from '../train/settings.ts';

export const command: Command = {
  name: 'train',
  usage: '[run.yaml] [--preset tiny] [--init MODEL] [--data FILE…] [--out DIR] [--resume DIR] [any setting]',
  summary:
    'Trains a Q-Sparse model on text, from scratch or from a model (--init); without --data on the novels that come along. With --task sft or dpo it learns from examples or preferences.',
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
  const byTask = Object.values(INIT_PRESETS).join(', ');
  return `${lines.join('; ')} (default ${DEFAULT_PRESET}; with --init ${byTask}, by its task)`;
}

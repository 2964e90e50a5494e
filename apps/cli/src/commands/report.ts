/** `qsparse report RUN…`: curves of training runs beside each other, in one HTML file. */
import { writeFileAtomic } from '@qsparse/formats/node';
import { type Command, UsageError } from '../command.ts';
import { reportPage } from '../run-report/page.ts';
import { readRuns } from '../run-report/read-runs.ts';

const DEFAULT_FILE = 'report.html';

export const command: Command = {
  name: 'report',
  usage: 'RUN… [--out FILE]',
  summary: 'Compares training runs in one HTML file: losses, gradient norms, sparsity, learning rate, speed.',
  positionals: 100,
  options: {
    out: { type: 'string', value: 'FILE', help: `the file to write (default ${DEFAULT_FILE})` },
  },
  async run({ positionals, flags }, output) {
    if (positionals.length === 0)
      throw new UsageError('[report] the run folders are missing; usage: qsparse report RUN… [--out FILE]');
    const path = (flags.out as string | undefined) ?? DEFAULT_FILE;
    const runs = await readRuns(positionals);
    await writeFileAtomic(path, reportPage(runs));
    const summary = runs.map(({ name, path: folder, entries }) => ({
      name,
      path: folder,
      step: entries.at(-1)!.step,
    }));
    output.line(
      flags.json
        ? JSON.stringify({ path, runs: summary })
        : `${path}: ${runs.length === 1 ? '1 run' : `${runs.length} runs`}; open it in a browser`,
    );
    return 0;
  },
};

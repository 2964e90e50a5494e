/** `qsparse verify DIR`: logits, gradients and a short training run of a device against another implementation's. */
import { device } from 'qsparse';
import { type Command, DEVICE_OPTIONS, deviceFlags, requiredPositional } from '../command.ts';
import { type Verification, verifyFolder } from '../verify/verify.ts';

export const command: Command = {
  name: 'verify',
  usage: 'DIR [--device NAME] [--json]',
  summary: 'Checks a device against a golden folder (model.safetensors, golden.safetensors, golden.json).',
  positionals: 1,
  options: DEVICE_OPTIONS,
  async run(args, output) {
    const folder = requiredPositional(command, args, 'the golden folder');
    const flags = deviceFlags('verify', args);
    const opened = await device(flags.device, { threads: flags.threads });
    try {
      const result = await verifyFolder(folder, opened);
      output.line(args.flags.json ? JSON.stringify(result) : table(result));
      return result.pass ? 0 : 1;
    } finally {
      opened.dispose();
    }
  },
};

function table({ checks, device: name, folder, pass, note }: Verification): string {
  const width = Math.max(...checks.map(({ quantity }) => quantity.length));
  const rows = checks.map(({ quantity, error, tolerance, pass: ok }) =>
    [
      quantity.padEnd(width),
      error.toExponential(2).padStart(9),
      `<= ${tolerance.toExponential(0)}`,
      ok ? 'pass' : 'FAIL',
    ].join('  '),
  );
  const failed = checks.filter((check) => !check.pass).length;
  const verdict = pass ? `all ${checks.length} pass` : `${failed} of ${checks.length} fail`;
  return [`${folder} on ${name}: largest relative errors; ${note}`, ...rows, verdict].join('\n');
}

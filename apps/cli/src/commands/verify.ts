/**
 * `qsparse verify DIR`: logits, gradients and a short training run of a device against another implementation's; with
 * `--decode`, packed weights against dense ones.
 */
import type { ComputeDType } from '@qsparse/layers';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  requiredPositional,
  UsageError,
} from '../command.ts';
import { openDevice } from '../open-device.ts';
import type { Verification } from '../verify/check.ts';
import { verifyDecoding } from '../verify/decode.ts';
import { verifyFolder } from '../verify/verify.ts';

export const command: Command = {
  name: 'verify',
  usage: 'DIR [--decode] [--device NAME] [--compute f32|bf16] [--json]',
  summary: 'Checks a device against a golden folder (model.safetensors, golden.safetensors, golden.json).',
  positionals: 1,
  options: {
    decode: { type: 'boolean', help: 'compare generation from packed weights with that from dense ones' },
    ...DEVICE_OPTIONS,
    compute: { type: 'string', value: 'f32|bf16', help: 'dtype of the computation (default f32)' },
  },
  async run(args, output) {
    const folder = requiredPositional(command, args, 'the golden folder');
    const compute = computeOf(args);
    const flags = deviceFlags('verify', args);
    const opened = await openDevice(flags, (line) => output.error(line));
    try {
      const verify = args.flags.decode === true ? verifyDecoding : verifyFolder;
      const result = await verify(folder, opened, compute);
      output.line(args.flags.json ? JSON.stringify(result) : table(result));
      return result.pass ? 0 : 1;
    } finally {
      opened.dispose();
    }
  },
};

/** Throws UsageError. */
function computeOf({ flags: { compute = 'f32' } }: Arguments): ComputeDType {
  if (compute === 'f32' || compute === 'bf16') return compute;
  throw new UsageError(`[verify] --compute must be f32 or bf16, got ${String(compute)}`);
}

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

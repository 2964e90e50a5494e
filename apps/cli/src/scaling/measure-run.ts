/** Loss, bits per byte and sparsity of a finished run, as its last step reports them; for one whose report was lost. */
import { join } from 'node:path';
import { tensor } from '@qsparse/core';
import { measureSparsity } from '@qsparse/layers';
import { fromPretrained } from 'qsparse/node';
import { DEVICE_OPTIONS, deviceFlags, parseArguments } from '../command.ts';
import { openDevice } from '../open-device.ts';
import { readCorpus } from '../train/corpus.ts';
import { readRunYaml } from '../train/run-yaml.ts';
import { ScalingInputError } from './csv.ts';
import { lastValidationLoss } from './run-loss.ts';

export interface MeasuredRun {
  readonly validationLoss: number;
  readonly bitsPerByte: number;
  readonly sparsity: { readonly overall: number };
}

/** Throws ScalingInputError, and what loading the run and its text throw. */
export async function measureRun(run: string, deviceArguments: readonly string[]): Promise<MeasuredRun> {
  const command = {
    name: 'scaling',
    usage: '',
    summary: '',
    positionals: 0,
    options: DEVICE_OPTIONS,
    run: async () => 0,
  };
  const flags = deviceFlags('scaling', parseArguments(command, deviceArguments));
  const validationLoss = await lastValidationLoss(run);
  if (validationLoss === undefined)
    throw new ScalingInputError(
      join(run, 'metrics.jsonl'),
      'a validation loss is required, there is none',
      'train the run again',
    );
  const device = await openDevice(flags, () => {});
  try {
    const { model, tokenizer } = await fromPretrained(run, device);
    try {
      const { data, settings } = await readRunYaml(join(run, 'run.yaml'));
      const { validation, bytesPerToken } = await readCorpus(data ?? [], settings, { tokenizer });
      const length = Math.min(settings.context, validation.length);
      const tokens = tensor(device, Int32Array.from(validation.subarray(0, length)), [1, length], 'i32');
      const { overall } = await measureSparsity(model, tokens);
      tokens.dispose();
      return {
        validationLoss,
        bitsPerByte: validationLoss / Math.LN2 / bytesPerToken,
        sparsity: { overall },
      };
    } finally {
      model.dispose();
    }
  } finally {
    device.dispose();
  }
}

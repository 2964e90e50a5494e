/**
 * What a run says of a step beside what the update itself did: bits a byte, how much of the device was used, and every so often a
 * look inside the model, between two steps, which changes none of their numbers.
 */
import { type ParamArena, tensor } from '@qsparse/core';
import { countParameters, type Decoder, measureSparsity } from '@qsparse/layers';
import {
  type Batch,
  type BatchSource,
  gradientNorms,
  type Reporter,
  type StepEntry,
  type TrainStep,
} from '@qsparse/training';
import { flopsOfToken } from '../bench/shapes.ts';
import type { RunText } from './report.ts';
import type { Settings } from './settings.ts';

export interface StepDiagnostics {
  /** The batches that were given; the newest is what zeros are counted on. */
  readonly batches: BatchSource;
  /** At the `yield` of the loop, when the gradients of the step are still there. */
  entryOf(step: TrainStep): Promise<StepEntry>;
}

type DiagnosticsSettings = Pick<Settings, 'diagnostics-every' | 'peak-tflops' | 'lora-rank'>;

/** Tokens that zeros are counted on, in whole rows and at least one. */
const MOST_TOKENS = 1024;

export function stepDiagnostics(
  model: Decoder,
  batches: BatchSource,
  { bytesPerToken }: Pick<RunText, 'bytesPerToken'>,
  settings: DiagnosticsSettings,
): StepDiagnostics {
  let newest: Batch | undefined;
  const next = (): Batch => {
    newest = batches.next();
    return newest;
  };
  return {
    batches: {
      next,
      position: () => batches.position(),
      seek: (position) => batches.seek(position),
      fingerprint: batches.fingerprint,
      ignoresTargets: batches.ignoresTargets,
    },
    async entryOf(step) {
      const { validationLoss, tokensPerSecond } = step;
      const peak = settings['peak-tflops'] * 1e12;
      return {
        ...step,
        ...(validationLoss !== undefined &&
          bytesPerToken && { bitsPerByte: validationLoss / Math.LN2 / bytesPerToken }),
        ...(newest && peak > 0 && { mfu: (tokensPerSecond * flopsOf(model, newest, settings)) / peak }),
        ...(newest &&
          isDue(step, settings) && {
            gradientNorms: await normsByPart(model.arena),
            siteSparsity: await zerosBySite(model, newest),
          }),
      };
    },
  };
}

/** The distribution of every parameter, for those who want to see it. Reads the whole model. */
export async function reportWeights(
  { params }: ParamArena,
  step: TrainStep,
  reporter: Reporter,
  settings: DiagnosticsSettings,
): Promise<void> {
  if (!reporter.histogram || !isDue(step, settings)) return;
  for (const [name, param] of params)
    await reporter.histogram(`weights/${name}`, await param.data(), step.step);
}

const isDue = ({ step }: TrainStep, { 'diagnostics-every': every }: DiagnosticsSettings): boolean =>
  every > 0 && step % every === 0;

/** Of a token in a training step. Frozen weights have no gradients: two of a parameter's six operations are not there. */
function flopsOf({ config }: Decoder, { shape }: Batch, { 'lora-rank': rank }: DiagnosticsSettings): number {
  const { total } = countParameters(config);
  return flopsOfToken(total, config, shape[1]) - (rank > 0 ? 2 * total : 0);
}

/** L2 norms of embedding, layers, final norm and head, in the order of the model. */
async function normsByPart(arena: ParamArena): Promise<Readonly<Record<string, number>>> {
  const squares = new Map<string, number>();
  for (const [name, norm] of await gradientNorms(arena)) {
    const part = partOf(name);
    squares.set(part, (squares.get(part) ?? 0) + norm ** 2);
  }
  return Object.fromEntries([...squares].map(([part, square]) => [part, Math.sqrt(square)]));
}

function partOf(parameter: string): string {
  const [layer] = /layers\.\d+(?=\.)/.exec(parameter) ?? [];
  if (layer !== undefined) return layer;
  if (parameter.includes('embed_tokens')) return 'embedding';
  return parameter.includes('lm_head') ? 'head' : 'norm';
}

async function zerosBySite(
  model: Decoder,
  { tokens, shape, more }: Batch,
): Promise<Readonly<Record<string, number>>> {
  const [batchSize, length] = shape;
  const rows = Math.min(batchSize, Math.max(1, Math.floor(MOST_TOKENS / length)));
  const upload = (values: Int32Array) =>
    tensor(model.device, values.subarray(0, rows * length), [rows, length], 'i32');
  const inputs = upload(tokens);
  const starts = more?.first;
  // Documents that share a row see themselves alone here too.
  const first = starts instanceof Int32Array ? upload(starts) : undefined;
  const { sites } = await measureSparsity(model, inputs, { first });
  inputs.dispose();
  first?.dispose();
  return Object.fromEntries(sites);
}

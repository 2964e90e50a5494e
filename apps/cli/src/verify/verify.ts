/**
 * Checks a device against a golden folder: logits, every gradient and a short training run by another implementation.
 * Errors are relative: norm-wise per tensor, and the largest over a curve.
 */
import { backward, type Device, fillWith, scope, tensor } from '@qsparse/core';
import { type TensorStore, toFloat32 } from '@qsparse/formats';
import { createDecoder, type Decoder, logits, lossOf } from '@qsparse/layers';
import { loadWeights } from '@qsparse/models';
import { createAdamW, trainStep } from '@qsparse/training';
import { type Golden, openGolden } from './golden.ts';
import { type Tolerances, tolerancesFor } from './tolerances.ts';

export interface Check {
  /** `logits`, `grad.NAME`, `loss curve`, `gradient norm curve`. */
  readonly quantity: string;
  /** Largest relative error. */
  readonly error: number;
  readonly tolerance: number;
  readonly pass: boolean;
}

export interface Verification {
  readonly folder: string;
  readonly device: string;
  readonly checks: readonly Check[];
  readonly pass: boolean;
  /** Why the tolerances are what they are. */
  readonly note: string;
}

/** Throws FormatError or ValueError for a folder that is not a golden one. */
export async function verifyFolder(folder: string, device: Device): Promise<Verification> {
  const golden = await openGolden(folder);
  try {
    const tolerances = tolerancesFor(device.caps, golden.config);
    const model = createDecoder(device, golden.config);
    await loadWeights(model, golden.weights);
    const batches = await readBatches(golden.expected);
    const checks = [
      ...(await checkFirstBatch(model, golden, batches, tolerances)),
      ...(await checkTraining(model, golden, batches, tolerances)),
    ];
    model.dispose();
    return {
      folder,
      device: device.name,
      checks,
      pass: checks.every(({ pass }) => pass),
      note: tolerances.note,
    };
  } finally {
    await golden.close();
  }
}

interface Batches {
  readonly count: number;
  readonly rows: number;
  readonly length: number;
  tokens(batch: number): Int32Array;
  targets(batch: number): Int32Array;
}

async function checkFirstBatch(
  model: Decoder,
  golden: Golden,
  batches: Batches,
  tolerances: Tolerances,
): Promise<Check[]> {
  const { device } = model;
  const shape = [batches.rows, batches.length];
  const tokens = tensor(device, batches.tokens(0), shape, 'i32');
  const targets = tensor(device, batches.targets(0), shape, 'i32');
  const scores = logits(model, tokens);
  const checks = [
    check('logits', await difference(golden.expected, 'logits', await scores.data()), tolerances.logits),
  ];
  scores.dispose();
  fillWith(model.arena.grads, 0);
  const loss = scope(() => {
    const value = lossOf(model, tokens, targets);
    backward(value, model.arena.params.values());
    return value;
  });
  const firstLoss = Math.abs((await loss.item()) - golden.firstLoss) / Math.abs(golden.firstLoss);
  checks.push(check('first loss', firstLoss, tolerances.losses));
  for (const [name, param] of model.arena.params) {
    const error = await difference(golden.expected, `grad.${name}`, await param.grad.data());
    checks.push(check(`grad.${name}`, error, tolerances.gradients));
  }
  for (const x of [tokens, targets, loss]) x.dispose();
  return checks;
}

async function checkTraining(
  model: Decoder,
  golden: Golden,
  batches: Batches,
  tolerances: Tolerances,
): Promise<Check[]> {
  const { beta1, beta2, epsilon, learningRate, weightDecay, clipNorm } = golden.optimizer;
  const { device, arena } = model;
  const optimizer = createAdamW(arena, { beta1, beta2, epsilon });
  const step = trainStep(
    { device, arena, loss: (tokens, targets) => lossOf(model, tokens, targets) },
    optimizer,
  );
  let [lossError, normError] = [0, 0];
  for (let i = 0; i < Math.min(batches.count, golden.losses.length); i++) {
    const shape = [batches.rows, batches.length];
    const inputs = {
      tokens: tensor(device, batches.tokens(i), shape, 'i32'),
      targets: tensor(device, batches.targets(i), shape, 'i32'),
      hyper: tensor(device, optimizer.hyper({ learningRate, weightDecay, step: i, clipNorm }), [8]),
    };
    const { loss, norm } = step(inputs);
    lossError = Math.max(lossError, relative(await loss.item(), golden.losses[i]!));
    normError = Math.max(normError, relative(await norm.item(), golden.gradientNorms[i]!));
    for (const input of Object.values(inputs)) input.dispose();
  }
  step.dispose();
  optimizer.dispose();
  return [
    check('loss curve', lossError, tolerances.losses),
    check('gradient norm curve', normError, tolerances.norms),
  ];
}

async function readBatches(store: TensorStore): Promise<Batches> {
  const { data, shape } = await store.read('tokens');
  const [count = 0, rows = 0, width = 0] = shape;
  const cut = (batch: number, shift: number) => {
    const out = new Int32Array(rows * (width - 1));
    for (let row = 0; row < rows; row++) {
      const first = (batch * rows + row) * width + shift;
      out.set((data as Int32Array).subarray(first, first + width - 1), row * (width - 1));
    }
    return out;
  };
  return {
    count,
    rows,
    length: width - 1,
    tokens: (batch) => cut(batch, 0),
    targets: (batch) => cut(batch, 1),
  };
}

/** ‖actual − expected‖ / ‖expected‖; infinite for a NaN. */
async function difference(store: TensorStore, name: string, actual: ArrayLike<number>): Promise<number> {
  const expected = toFloat32(await store.read(name));
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let [distance, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    distance += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return finiteOrInfinite(Math.sqrt(distance / (size || 1)));
}

const relative = (actual: number, expected: number): number =>
  finiteOrInfinite(Math.abs(actual - expected) / Math.abs(expected));

const finiteOrInfinite = (error: number): number => (Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);

const check = (quantity: string, error: number, tolerance: number): Check => ({
  quantity,
  error,
  tolerance,
  pass: error <= tolerance,
});

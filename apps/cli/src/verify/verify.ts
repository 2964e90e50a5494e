/**
 * Checks a device against a golden folder: logits, every gradient and a short training run by another implementation.
 * Errors are relative: norm-wise per tensor, and the largest over a curve.
 */
import {
  backward,
  type Device,
  fillWith,
  noGrad,
  sameShape,
  scope,
  showShape,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { FormatError, type TensorStore, toFloat32 } from '@qsparse/formats';
import { createDecoder, type Decoder, logits, lossOf } from '@qsparse/layers';
import { checkWeights, loadWeights } from '@qsparse/models';
import { createAdamW, trainStep } from '@qsparse/training';
import { trainableDecoder } from 'qsparse';
import { type Golden, openGolden } from './golden.ts';
import { type Tolerances, tolerancesFor } from './tolerances.ts';

export interface Check {
  /** `logits`, `logits, median token`, `first loss`, `grad.NAME`, `loss after one update`, `loss curve`, `gradient norm curve`. */
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
  let model: Decoder | undefined;
  try {
    checkWeights(golden.config, golden.weights);
    model = createDecoder(device, golden.config);
    await loadWeights(model, golden.weights);
    const tolerances = tolerancesFor(device.caps, golden.config);
    const batches = await readBatches(golden.expected);
    const checks = [
      ...(await checkFirstBatch(model, golden, batches, tolerances)),
      ...(await checkTraining(model, golden, batches, tolerances)),
    ];
    const pass = checks.every((check) => check.pass);
    return { folder, device: device.name, checks, pass, note: tolerances.note };
  } finally {
    model?.dispose();
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

/** Logits, loss and every gradient of batch 0. */
async function checkFirstBatch(
  model: Decoder,
  { expected, firstLoss }: Golden,
  batches: Batches,
  tolerances: Tolerances,
): Promise<Check[]> {
  const { device, arena } = model;
  const shape = [batches.rows, batches.length];
  const tokens = tensor(device, batches.tokens(0), shape, 'i32');
  const targets = tensor(device, batches.targets(0), shape, 'i32');
  const scores = noGrad(() => logits(model, tokens));
  const checks = [
    check('logits', await difference(expected, 'logits', scores), tolerances.logits),
    check('logits, median token', await medianTokenError(expected, scores), tolerances.medianToken),
  ];
  const loss = scope(() => {
    fillWith(arena.grads, 0);
    const value = lossOf(model, tokens, targets);
    backward(value, arena.params.values());
    return value;
  });
  checks.push(check('first loss', relative(await loss.item(), firstLoss), tolerances.firstLoss));
  for (const [name, { grad }] of arena.params) {
    const error = await difference(expected, `grad.${name}`, grad);
    checks.push(check(`grad.${name}`, error, tolerances.gradients));
  }
  for (const x of [scores, tokens, targets, loss]) x.dispose();
  return checks;
}

/** One AdamW step a batch, from the weights of the folder. */
async function checkTraining(
  model: Decoder,
  golden: Golden,
  batches: Batches,
  tolerances: Tolerances,
): Promise<Check[]> {
  const { beta1, beta2, epsilon, ...rates } = golden.optimizer;
  const { device, arena } = model;
  const optimizer = createAdamW(arena, { beta1, beta2, epsilon });
  const step = trainStep(trainableDecoder(model), optimizer);
  const lossErrors: number[] = [];
  const normErrors: number[] = [];
  for (let i = 0; i < batches.count; i++) {
    const shape = [batches.rows, batches.length];
    const inputs = {
      tokens: tensor(device, batches.tokens(i), shape, 'i32'),
      targets: tensor(device, batches.targets(i), shape, 'i32'),
      hyper: tensor(device, optimizer.hyper({ ...rates, step: i }), [8]),
    };
    const { loss, norm } = step(inputs);
    for (const input of Object.values(inputs)) input.dispose(); // freed after the work that reads them
    lossErrors.push(relative(await loss.item(), golden.losses[i]!));
    normErrors.push(relative(await norm.item(), golden.gradientNorms[i]!));
  }
  step.dispose();
  optimizer.dispose();
  return [
    check('loss after one update', lossErrors[1]!, tolerances.firstLoss),
    check('loss curve', Math.max(...lossErrors), tolerances.losses),
    check('gradient norm curve', Math.max(...normErrors), tolerances.norms),
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

/** The relative distance of a whole tensor. Throws FormatError where the folder has no such tensor. */
async function difference(store: TensorStore, name: string, tensor: Tensor): Promise<number> {
  const stored = await store.read(name);
  const expected = toFloat32(stored);
  const actual = await tensor.data();
  if (!sameShape(stored.shape, tensor.shape)) {
    const shapes = `must have shape ${showShape(tensor.shape)}, got ${showShape(stored.shape)}`;
    throw new FormatError('shape', `[verify] ${store.name}: tensor "${name}" ${shapes}; check the folder`, {
      file: store.name,
      tensor: name,
    });
  }
  return relativeDistance(actual, expected);
}

/** The median over tokens of ‖actual − expected‖ / ‖expected‖ of a token's logits. */
async function medianTokenError(store: TensorStore, logits: Tensor): Promise<number> {
  const expected = toFloat32(await store.read('logits'));
  const actual = await logits.data();
  const width = logits.shape.at(-1)!;
  const errors = Array.from({ length: actual.length / width }, (_, token) => {
    const part = <T extends { subarray(from: number, to: number): T }>(all: T) =>
      all.subarray(token * width, (token + 1) * width);
    return relativeDistance(part(actual as Float32Array), part(expected));
  });
  return errors.sort((a, b) => a - b)[errors.length >> 1]!;
}

/** ‖actual − expected‖ / ‖expected‖; infinite for a NaN. */
function relativeDistance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
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

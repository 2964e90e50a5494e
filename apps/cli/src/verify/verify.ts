/**
 * Checks a device against a golden folder: logits, every gradient and a short training run by another implementation, or
 * what a pretrained model gives (pretrained.ts). Errors are relative: norm-wise per tensor, the largest over a curve.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { backward, type Device, fillWith, noGrad, scope, tensor } from '@qsparse/core';
import { type TensorStore, toFloat32 } from '@qsparse/formats';
import { type ComputeDType, createDecoder, type Decoder, logits, lossOf } from '@qsparse/layers';
import { checkWeights, loadWeights } from '@qsparse/models';
import { createAdamW, trainStep } from '@qsparse/training';
import { trainableDecoder } from 'qsparse';
import {
  type Check,
  check,
  difference,
  medianTokenError,
  relative,
  relativeDistance,
  type Verification,
} from './check.ts';
import { type Golden, openGolden } from './golden.ts';
import { tokenByToken, verifyPretrained } from './pretrained.ts';
import { referenceInBf16 } from './reference-bf16.ts';
import { type Tolerances, tolerancesFor } from './tolerances.ts';

/** Throws FormatError or ValueError for a folder that is not a golden one. */
export async function verifyFolder(
  folder: string,
  device: Device,
  compute: ComputeDType = 'f32',
): Promise<Verification> {
  // A config.json makes it a model folder of some family.
  const isPretrained = await stat(join(folder, 'config.json')).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (isPretrained) return verifyPretrained(folder, device, compute);
  return verifyTraining(folder, device, compute);
}

async function verifyTraining(folder: string, device: Device, compute: ComputeDType): Promise<Verification> {
  const golden = await openGolden(folder);
  let model: Decoder | undefined;
  try {
    checkWeights(golden.config, golden.weights);
    model = createDecoder(device, golden.config, { compute });
    await loadWeights(model, golden.weights);
    const tolerances = tolerancesFor(device.caps, golden.config, compute);
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

/** Logits, loss and every gradient of batch 0; in bf16 beside exact arithmetic in bf16. */
async function checkFirstBatch(
  model: Decoder,
  golden: Golden,
  batches: Batches,
  tolerances: Tolerances,
): Promise<Check[]> {
  const { device, arena } = model;
  const { expected, firstLoss } = golden;
  const shape = [batches.rows, batches.length];
  const batch = { tokens: batches.tokens(0), targets: batches.targets(0), shape };
  const inBf16 = model.compute === 'bf16' ? await referenceInBf16(golden, batch) : undefined;
  const tokens = tensor(device, batch.tokens, shape, 'i32');
  const targets = tensor(device, batch.targets, shape, 'i32');
  const scores = noGrad(() => logits(model, tokens));
  const fromGolden = await difference(expected, 'logits', scores);
  const actual = await scores.data();
  const exact = inBf16?.logits ?? toFloat32(await expected.read('logits'));
  const checks = [
    check('logits', inBf16 ? relativeDistance(actual, exact) : fromGolden, tolerances.logits),
    check(
      'logits, median token',
      medianTokenError(actual, exact, scores.shape.at(-1)!),
      tolerances.medianToken,
    ),
    ...(tolerances.goldenLogits === undefined
      ? []
      : [check('logits, golden', fromGolden, tolerances.goldenLogits)]),
    ...(await tokenByToken(model, batch.tokens, scores, tolerances)),
  ];
  const loss = scope(() => {
    fillWith(arena.grads, 0);
    const value = lossOf(model, tokens, targets);
    backward(value, arena.params.values());
    return value;
  });
  checks.push(check('first loss', relative(await loss.item(), firstLoss), tolerances.firstLoss));
  for (const [name, { grad }] of arena.params) {
    const error = inBf16
      ? relativeDistance(await grad.data(), inBf16.gradients.get(name)!)
      : await difference(expected, `grad.${name}`, grad);
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

/**
 * A golden folder of a pretrained model, of whatever family its config.json names:
 *
 *   config.json, model.safetensors   the model, as another program saved it
 *   golden.safetensors               tokens i32 [B, T]; logits [B, T, V]; generated i32 [1, G], the likeliest tokens
 *   golden.json                      loss: mean cross entropy of each token from those before it
 *
 * Checked are all of them, and that token by token with the cache gives what all at once gives.
 */
import { join } from 'node:path';
import { type Device, noGrad, scope, type Tensor, tensor, write } from '@qsparse/core';
import {
  FormatError,
  openSafetensors,
  parseConfig,
  readObject,
  type TensorStore,
  toFloat32,
} from '@qsparse/formats';
import { openFileReader, readFileBytes } from '@qsparse/formats/node';
import { type ComputeDType, createCache, type Decoder, logits, lossOf } from '@qsparse/layers';
import { generateTokens, loadPretrained } from '@qsparse/models';
import { folderFiles } from 'qsparse/node';
import {
  type Check,
  check,
  difference,
  medianTokenError,
  relative,
  relativeDistance,
  type Verification,
} from './check.ts';
import { logitsInBf16 } from './reference-bf16.ts';
import { type Tolerances, tolerancesFor } from './tolerances.ts';

/** Tokens of `generated` that are given; the others follow from them. */
const PROMPT = 8;

/** Throws FormatError or ValueError for a folder that is not a golden one. */
export async function verifyPretrained(
  folder: string,
  device: Device,
  compute: ComputeDType,
): Promise<Verification> {
  const path = join(folder, 'golden.json');
  const reader = readObject(parseConfig(await readFileBytes(path), path), path);
  reader.rejectUnknown(['loss', 'note']);
  const loss = reader.number('loss');
  const expected = await openSafetensors(await openFileReader(join(folder, 'golden.safetensors')));
  let model: Decoder | undefined;
  try {
    const { tokens, shape } = await readTokens(expected, 'tokens');
    const { tokens: generated } = await readTokens(expected, 'generated');
    const loaded = await loadPretrained(folderFiles(folder), device, { compute });
    model = loaded.model;
    const tolerances = tolerancesFor(device.caps, model.config, compute);
    const ids = tensor(device, tokens, shape, 'i32');
    const scores = noGrad(() => logits(loaded.model, ids));
    const golden = toFloat32(await expected.read('logits'));
    // Golden logits are full precision: in bf16 each token is held to exact arithmetic in bf16, and only all of them to the golden ones.
    const perToken = compute === 'f32' ? golden : await logitsInBf16(folder, { tokens, shape });
    const checks = [
      check(
        'logits',
        await difference(expected, 'logits', scores),
        tolerances.goldenLogits ?? tolerances.logits,
      ),
      ...(await tokensBeside(perToken, scores, tolerances)),
      ...(await tokenByToken(model, tokens, scores, tolerances)),
      check('loss', relative(await meanLoss(model, tokens, shape), loss), tolerances.firstLoss),
      // In bf16 the likeliest of two near tokens may be the other one.
      ...(compute === 'f32' ? [await greedy(model, generated)] : []),
    ];
    for (const made of [ids, scores]) made.dispose();
    const pass = checks.every((one) => one.pass);
    return { folder, device: device.name, checks, pass, note: tolerances.note };
  } finally {
    model?.dispose();
    await expected.close();
  }
}

/**
 * Logits by steps of one token against those of all tokens at once, \`whole\` [B, T, V].
 * @param tokens of the rows, one row after the other
 */
export async function tokenByToken(
  model: Decoder,
  tokens: Int32Array,
  whole: Tensor,
  tolerances: Tolerances,
): Promise<readonly Check[]> {
  const [rows, length, width] = whole.shape as [number, number, number];
  const cache = createCache(model, rows, length);
  const steps = new Float32Array(rows * length * width);
  for (let at = 0; at < length; at++) {
    const column = Array.from({ length: rows }, (_, row) => tokens[row * length + at]!);
    write(cache.position, [at]);
    const step = noGrad(() =>
      scope(() => logits(model, tensor(model.device, column, [rows, 1], 'i32'), { cache })),
    );
    const scores = await step.data();
    step.dispose();
    for (let row = 0; row < rows; row++)
      steps.set(scores.subarray(row * width, (row + 1) * width) as Float32Array, (row * length + at) * width);
  }
  cache.dispose();
  const all = await whole.data();
  return [
    check('token by token', relativeDistance(steps, all), tolerances.logits),
    check('token by token, median', medianTokenError(steps, all, width), tolerances.medianToken),
  ];
}

/** The largest difference beside the largest logit, and the median token's. */
async function tokensBeside(
  wanted: Float32Array,
  scores: Tensor,
  { logits: most, medianToken }: Tolerances,
): Promise<readonly Check[]> {
  const actual = await scores.data();
  let [error, largest] = [0, 0];
  for (const [i, value] of wanted.entries()) {
    error = Math.max(error, Math.abs(actual[i]! - value));
    largest = Math.max(largest, Math.abs(value));
  }
  return [
    check('logits, largest difference', error / largest, most),
    check('logits, median token', medianTokenError(actual, wanted, scores.shape.at(-1)!), medianToken),
  ];
}

async function meanLoss(
  model: Decoder,
  tokens: Int32Array,
  [rows = 0, length = 0]: readonly number[],
): Promise<number> {
  const cut = (shift: number): Tensor => {
    const row = (i: number) => [...tokens.subarray(i * length + shift, (i + 1) * length - 1 + shift)];
    const elements = Array.from({ length: rows }, (_, i) => row(i)).flat();
    return tensor(model.device, elements, [rows, length - 1], 'i32');
  };
  const loss = noGrad(() => scope(() => lossOf(model, cut(0), cut(1))));
  const value = await loss.item();
  loss.dispose();
  return value;
}

/** How many of the likeliest tokens differ. */
async function greedy(model: Decoder, generated: Int32Array): Promise<Check> {
  const maxTokens = generated.length - PROMPT;
  let [at, differing] = [PROMPT, 0];
  const tokens = generateTokens(model, generated.subarray(0, PROMPT), { temperature: 0, maxTokens });
  for await (const token of tokens) if (token !== generated[at++]) differing++;
  return check(`${maxTokens} greedy tokens, differing`, differing, 0);
}

async function readTokens(
  store: TensorStore,
  name: string,
): Promise<{ readonly tokens: Int32Array; readonly shape: readonly [number, number] }> {
  const { data, dtype, shape } = await store.read(name);
  const [rows = 0, length = 0] = shape;
  if (dtype === 'i32' && shape.length === 2 && rows >= 1 && length > PROMPT)
    return { tokens: data as Int32Array, shape: [rows, length] };
  throw new FormatError(
    'shape',
    `[verify] ${store.name}: tensor "${name}" must be i32 [rows, more than ${PROMPT}], got ${dtype} [${shape}]; check the folder`,
    { file: store.name, tensor: name },
  );
}

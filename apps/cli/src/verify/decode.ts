/**
 * Checks that a model gives the same tokens from packed weights, as `generate` computes them, as from the weights themselves:
 * logits token by token over the texts of a golden folder, and greedy texts after their beginnings. In bf16 the two forms
 * round at other places (the dense product of a ternary model rounds levels that the packed one keeps whole), so that a
 * device is held to exact arithmetic in bf16 on the packed weights, as `verify` without `--decode` holds it there.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Device, noGrad, scope, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { FormatError, openSafetensors } from '@qsparse/formats';
import { openFileReader } from '@qsparse/formats/node';
import {
  type ComputeDType,
  createCache,
  createDecoder,
  type Decoder,
  logits,
  packDecoder,
} from '@qsparse/layers';
import { generateTokens, loadPretrained, loadWeights } from '@qsparse/models';
import { folderFiles } from 'qsparse/node';
import { type Check, check, medianTokenError, type Verification } from './check.ts';
import { openGolden } from './golden.ts';
import { type Tolerances, tolerancesFor } from './tolerances.ts';

/** Texts that are compared, and how many of their tokens begin a greedy one. */
const TEXTS = 4;
const PROMPT = 4;

type Texts = readonly (readonly number[])[];

/** What a form of a model gives for the texts. */
interface Decoded {
  /** [texts · length, V] */
  readonly logits: Float32Array;
  readonly greedy: Texts;
}

/** Throws FormatError or ValueError for a folder that is not a golden one. */
export async function verifyDecoding(
  folder: string,
  device: Device,
  compute: ComputeDType = 'f32',
): Promise<Verification> {
  const model = await loadModel(folder, device, compute);
  try {
    const texts = await readTexts(folder);
    const tolerances = tolerancesFor(device.caps, model.config, compute);
    model.packed = await packDecoder(model);
    const expected =
      compute === 'bf16' ? await decodeExactly(folder, texts) : await decode(model, texts, false);
    const checks = compare(
      await decode(model, texts, true),
      expected,
      model.config.vocabularySize,
      tolerances,
    );
    const pass = checks.every((one) => one.pass);
    const others = compute === 'bf16' ? 'exact arithmetic in bf16 on the same' : 'dense ones';
    return {
      folder,
      device: device.name,
      checks,
      pass,
      note: `packed weights beside ${others}, token by token`,
    };
  } finally {
    model.dispose();
  }
}

/** From packed weights, in bf16, without any other rounding. */
async function decodeExactly(folder: string, texts: Texts): Promise<Decoded> {
  const device = referenceDevice();
  const model = await loadModel(folder, device, 'bf16');
  try {
    model.packed = await packDecoder(model);
    return await decode(model, texts, true);
  } finally {
    model.dispose();
    device.dispose();
  }
}

async function loadModel(folder: string, device: Device, compute: ComputeDType): Promise<Decoder> {
  const isPretrained = await stat(join(folder, 'config.json')).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (isPretrained) return (await loadPretrained(folderFiles(folder), device, { compute })).model;
  const golden = await openGolden(folder);
  const model = createDecoder(device, golden.config, { compute, gradients: false });
  try {
    await loadWeights(model, golden.weights);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    await golden.close();
  }
}

/** The first texts of the folder, of one length. */
async function readTexts(folder: string): Promise<Texts> {
  const store = await openSafetensors(await openFileReader(join(folder, 'golden.safetensors')));
  try {
    const { data, dtype, shape } = await store.read('tokens');
    const length = shape.at(-1) ?? 0;
    if (dtype !== 'i32' || length <= PROMPT) {
      const required = `must be i32 [..., more than ${PROMPT}], got ${dtype} [${shape}]`;
      const message = `[verify] ${store.name}: tensor "tokens" ${required}; check the folder`;
      throw new FormatError('shape', message, { file: store.name, tensor: 'tokens' });
    }
    const rows = Math.min(TEXTS, data.length / length);
    return Array.from({ length: rows }, (_, row) => [
      ...(data as Int32Array).subarray(row * length, (row + 1) * length),
    ]);
  } finally {
    await store.close();
  }
}

async function decode(model: Decoder, texts: Texts, packed: boolean): Promise<Decoded> {
  return { logits: await logitsOf(model, texts, packed), greedy: await greedyOf(model, texts, packed) };
}

async function logitsOf(model: Decoder, texts: Texts, packed: boolean): Promise<Float32Array> {
  const length = Math.min(texts[0]!.length, model.config.contextLength);
  const { vocabularySize: width } = model.config;
  const scores = new Float32Array(texts.length * length * width);
  for (const [row, text] of texts.entries()) {
    const cache = createCache(model, 1, length);
    for (let at = 0; at < length; at++) {
      cache.seek(at, 1);
      const step = noGrad(() =>
        scope(() => logits(model, tensor(model.device, [text[at]!], [1, 1], 'i32'), { cache, packed })),
      );
      scores.set((await step.data()) as Float32Array, (row * length + at) * width);
      step.dispose();
    }
    cache.dispose();
  }
  return scores;
}

async function greedyOf(model: Decoder, texts: Texts, packed: boolean): Promise<Texts> {
  const maxTokens = Math.max(1, model.config.contextLength - PROMPT);
  const form = model.packed;
  const written: (readonly number[])[] = [];
  try {
    if (!packed) model.packed = undefined;
    for (const text of texts) {
      const tokens: number[] = [];
      for await (const token of generateTokens(model, text.slice(0, PROMPT), { temperature: 0, maxTokens }))
        tokens.push(token);
      written.push(tokens);
    }
  } finally {
    model.packed = form;
  }
  return written;
}

function compare(
  own: Decoded,
  expected: Decoded,
  width: number,
  { logits: most, medianToken }: Tolerances,
): readonly Check[] {
  let [error, largest, likeliest, greedy] = [0, 0, 0, 0];
  for (const [i, score] of expected.logits.entries()) {
    error = Math.max(error, Math.abs(own.logits[i]! - score));
    largest = Math.max(largest, Math.abs(score));
  }
  const tokens = expected.logits.length / width;
  for (let token = 0; token < tokens; token++)
    if (likeliestOf(own.logits, token, width) !== likeliestOf(expected.logits, token, width)) likeliest++;
  const written = expected.greedy.flat();
  for (const [i, token] of own.greedy.flat().entries()) if (token !== written[i]) greedy++;
  return [
    check('logits, largest difference', Number.isNaN(error) ? Infinity : error / largest, most),
    check('logits, median token', medianTokenError(own.logits, expected.logits, width), medianToken),
    check(`likeliest of ${tokens} tokens, differing`, likeliest, 0),
    check(`${written.length} greedy tokens, differing`, greedy, 0),
  ];
}

function likeliestOf(scores: Float32Array, token: number, width: number): number {
  const own = scores.subarray(token * width, (token + 1) * width);
  return own.indexOf(own.reduce((most, score) => Math.max(most, score)));
}

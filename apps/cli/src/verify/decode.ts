/**
 * Checks that a model gives the same tokens from packed weights, as `generate` computes them, as from the weights themselves:
 * logits token by token over the texts of a golden folder, and greedy texts after their beginnings.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Device, noGrad, scope, tensor } from '@qsparse/core';
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
    const checks = [...(await compareLogits(model, texts, tolerances)), await compareGreedy(model, texts)];
    const pass = checks.every((one) => one.pass);
    const note = 'packed weights beside dense ones, token by token';
    return { folder, device: device.name, checks, pass, note };
  } finally {
    model.dispose();
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
async function readTexts(folder: string): Promise<readonly (readonly number[])[]> {
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

async function compareLogits(
  model: Decoder,
  texts: readonly (readonly number[])[],
  { logits: most, medianToken }: Tolerances,
): Promise<readonly Check[]> {
  const length = Math.min(texts[0]!.length, model.config.contextLength);
  const { vocabularySize: width } = model.config;
  const scoresOf = async (packed: boolean): Promise<Float32Array> => {
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
  };
  const [dense, packed] = [await scoresOf(false), await scoresOf(true)];
  let [error, largest, differing] = [0, 0, 0];
  for (const [i, score] of dense.entries()) {
    error = Math.max(error, Math.abs(packed[i]! - score));
    largest = Math.max(largest, Math.abs(score));
  }
  for (let at = 0; at < dense.length; at += width) {
    const likeliest = (scores: Float32Array): number => {
      const own = scores.subarray(at, at + width);
      return own.indexOf(own.reduce((most, score) => Math.max(most, score)));
    };
    if (likeliest(dense) !== likeliest(packed)) differing++;
  }
  return [
    check('logits, largest difference', Number.isNaN(error) ? Infinity : error / largest, most),
    check('logits, median token', medianTokenError(packed, dense, width), medianToken),
    check(`likeliest of ${dense.length / width} tokens, differing`, differing, 0),
  ];
}

/** How many tokens of the greedy texts differ. */
async function compareGreedy(model: Decoder, texts: readonly (readonly number[])[]): Promise<Check> {
  const { packed } = model;
  const maxTokens = Math.max(1, model.config.contextLength - PROMPT);
  let differing = 0;
  try {
    for (const text of texts) {
      const prompt = text.slice(0, PROMPT);
      const greedy = async (form: Decoder['packed']): Promise<readonly number[]> => {
        model.packed = form;
        const tokens: number[] = [];
        for await (const token of generateTokens(model, prompt, { temperature: 0, maxTokens }))
          tokens.push(token);
        return tokens;
      };
      const [dense, own] = [await greedy(undefined), await greedy(packed)];
      for (const [i, token] of dense.entries()) if (token !== own[i]) differing++;
    }
  } finally {
    model.packed = packed;
  }
  return check(`${texts.length * maxTokens} greedy tokens, differing`, differing, 0);
}

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import type { Example } from '@qsparse/data/tuning';
import { createDecoder, initialize } from '@qsparse/layers';
import { afterAll, expect, test } from 'vitest';
import { decoderConfig } from '../../src/train/model.ts';
import { referenceLosses } from '../../src/train/reference.ts';
import { mergeSettings, presetSettings } from '../../src/train/settings.ts';
import { temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const path = join(folder.path, 'reference.json');

const small = { layers: 1, width: 8, heads: 2, 'kv-heads': 1, 'feed-forward': 16, context: 8 };
const model = createDecoder(
  referenceDevice(),
  decoderConfig(mergeSettings(presetSettings('tiny'), small, 'test'), 20),
);
initialize(model, 1);
const example = (start: number, length: number): Example => ({
  tokens: Int32Array.from({ length }, (_, i) => (start + i) % 20),
  targets: Int32Array.from({ length }, (_, i) => (i === 0 ? -1 : (start + i + 1) % 20)),
});
const pairs = [1, 5, 9].map((start) => ({ chosen: example(start, 6), rejected: example(start, 3) }));
const options = {
  path,
  identity: 'a',
  resume: false,
  batchSize: 2,
  rowLength: 8,
  signal: new AbortController().signal,
};

test('computed once: what the model learns later changes nothing', async () => {
  const first = await referenceLosses(model, pairs, options);
  expect(first).toHaveLength(3);
  // About log 20 for each of 5 and 2 targets.
  for (const [chosen, rejected] of first) {
    expect(chosen).toBeCloseTo(5 * Math.log(20), 0);
    expect(rejected).toBeCloseTo(2 * Math.log(20), 0);
  }
  write(model.head, new Float64Array(model.head.size).fill(0.3));
  expect(await referenceLosses(model, pairs, { ...options, resume: true })).toEqual(first);
});

test('for other data it is computed anew; a run that goes on refuses other data and a lost file', async () => {
  const other = { ...options, identity: 'b' };
  await expect(referenceLosses(model, pairs, { ...other, resume: true })).rejects.toThrow(
    'must hold what the reference model says',
  );
  const anew = await referenceLosses(model, pairs, other);
  expect(anew).toHaveLength(3);
  rmSync(path);
  await expect(referenceLosses(model, pairs, { ...other, resume: true })).rejects.toThrow(
    'it does not; give the data of the run',
  );
});

test('an abort leaves no half of it', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(referenceLosses(model, pairs, { ...options, signal })).rejects.toThrow('enough');
  expect(existsSync(path)).toBe(false);
});

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceDevice } from '@qsparse/core/reference';
import { createByteTokenizer, tokenizerFromJson } from '@qsparse/data';
import { createDecoder, initialize } from '@qsparse/layers';
import { textBatches, train } from '@qsparse/training';
import { folderStore } from '@qsparse/training/node';
import { generate, trainableDecoder } from 'qsparse';
import { fromPretrained, modelFiles, readModelConfig, resolveModelFolder, saveModel } from 'qsparse/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TINY } from '../tiny-decoder.ts';

let root: string;
let saved: string;
const tokenizer = createByteTokenizer();
const device = referenceDevice();
const model = createDecoder(device, { ...TINY, vocabularySize: tokenizer.vocabularySize });
initialize(model, 1);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'model-folder-'));
  saved = join(root, 'saved');
  await saveModel(saved, model, tokenizer);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function textOf(path: string): Promise<string> {
  const loaded = await fromPretrained(path, device);
  let text = '';
  for await (const piece of generate(loaded.model, loaded.tokenizer, 'ab', { maxTokens: 12, seed: 3 }))
    text += piece;
  loaded.model.dispose();
  return text;
}

test('a saved model comes back: the same files, weights and text', async () => {
  expect(readdirSync(saved).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  const loaded = await fromPretrained(saved, device);
  expect(loaded.folder).toBe(saved);
  expect(loaded.model.config).toEqual({ ...model.config, ropeScaling: undefined });
  expect(await loaded.model.arena.values.data()).toEqual(await model.arena.values.data());
  expect(loaded.tokenizer.endOfText).toBe(256);
  expect(await readModelConfig(saved)).toMatchObject({ endOfText: 256 });
  expect(await textOf(saved)).toBe(await textOf(saved));
});

test('tokenizer.json is what other programs load', () => {
  const { 'tokenizer.json': text } = modelFiles(model, tokenizer);
  expect(readFileSync(join(saved, 'tokenizer.json'), 'utf8')).toBe(text);
  expect(tokenizerFromJson(text!).encode('é<|endoftext|>')).toEqual(Int32Array.of(0xc3, 0xa9, 256));
  expect(JSON.parse(text!).model.merges).toEqual([]);
});

test('a run folder stands for its newest checkpoint', async () => {
  const run = join(root, 'run');
  const store = folderStore(run, { files: modelFiles(model, tokenizer) });
  const batches = textBatches(tokenizer.encode('some text to learn from, not much'), {
    batchSize: 1,
    rowLength: 8,
    seed: 1,
  });
  const schedule = { kind: 'constant', steps: 3, warmupSteps: 0, peak: 0.01, weightDecay: 0 } as const;
  const options = { model: trainableDecoder(model), batches, schedule, checkpoints: { every: 2, store } };
  for await (const _ of train(options));
  expect(await resolveModelFolder(run)).toBe(join(run, 'checkpoints', 'step-00000003'));
  const loaded = await fromPretrained(run, device);
  expect(device.values(loaded.model.arena.values)).toEqual(device.values(model.arena.values));
});

test('saving again replaces the files and leaves others alone', async () => {
  const path = join(root, 'again');
  mkdirSync(path);
  writeFileSync(join(path, 'README.md'), 'mine');
  await saveModel(path, model, tokenizer);
  await saveModel(path, model, tokenizer);
  expect(readdirSync(path).sort()).toEqual([
    'README.md',
    'config.json',
    'model.safetensors',
    'tokenizer.json',
  ]);
});

test.each<[string, (path: string) => void, string]>([
  [
    'nothing in it',
    (path) => rmSync(join(path, 'model.safetensors')),
    'holds neither model.safetensors nor a checkpoint',
  ],
  [
    'no config',
    (path) => rmSync(join(path, 'config.json')),
    'config.json is required, there is no such file',
  ],
  ['no tokenizer', (path) => rmSync(join(path, 'tokenizer.json')), 'tokenizer.json is required'],
  ['truncated weights', (path) => truncateSync(join(path, 'model.safetensors'), 5000), 'model.safetensors'],
  [
    'a config of another shape',
    (path) => edit(path, /"intermediate_size": 16/, '"intermediate_size": 24'),
    'must have shape [24, 8], got [16, 8]',
  ],
  [
    'a config of absurd size',
    (path) => edit(path, /"intermediate_size": 16/, '"intermediate_size": 9007199254740991'),
    'must have shape [9007199254740991, 8], got [16, 8]',
  ],
  [
    'a wrong key',
    (path) => edit(path, /"hidden_size"/, '"hiden_size"'),
    'unknown key "hiden_size"; did you mean "hidden_size"?',
  ],
  [
    'a smaller vocabulary',
    (path) => edit(path, /"vocab_size": 257/, '"vocab_size": 200'),
    'has 200 rows, tokenizer.json 257 ids',
  ],
])('a folder with %s is refused in one line', async (_, damage, message) => {
  const path = mkdtempSync(join(root, 'damaged-'));
  cpSync(saved, path, { recursive: true });
  damage(path);
  const before = device.memory().count;
  const error = (await fromPretrained(path, device).catch((reason: unknown) => reason)) as Error & {
    code: string;
  };
  expect(error.message).toContain(message);
  expect(error.message).toContain(path);
  expect(error.message).not.toContain('\n');
  expect(error.code).toBeDefined();
  expect(device.memory().count).toBe(before);
});

test('a folder that is not there is named', async () => {
  await expect(fromPretrained(join(root, 'missing'), device)).rejects.toThrow(
    `there is no folder ${join(root, 'missing')}`,
  );
});

function edit(path: string, from: RegExp, to: string): void {
  const file = join(path, 'config.json');
  const text = readFileSync(file, 'utf8');
  if (!from.test(text)) throw new Error(`no ${from} in ${file}`);
  writeFileSync(file, text.replace(from, to));
}

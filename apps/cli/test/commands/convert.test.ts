import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noGrad, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { openSafetensors } from '@qsparse/formats';
import { openFileReader } from '@qsparse/formats/node';
import { type DecoderConfig, logits, selectionOf } from '@qsparse/layers';
import { loadPretrained } from '@qsparse/models';
import { folderFiles, readModelConfig } from 'qsparse/node';
import { afterAll, expect, test } from 'vitest';
import { cli, temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let made = 0;
const free = (): string => join(folder.path, `out-${made++}`);
const published = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/hugging-face/${name}`, import.meta.url));
const STORIES = fileURLToPath(
  new URL('../../../../packages/models/test/fixtures/stories260k/', import.meta.url),
);
const REFERENCE = ['--device', 'reference'];

async function logitsOf(path: string, change: (config: DecoderConfig) => DecoderConfig = (config) => config) {
  const device = referenceDevice();
  const { model } = await loadPretrained(folderFiles(path), device);
  model.config = change(model.config);
  const ids = tensor(device, [1, 5, 9, 33, 7, 2, 11, 300], [1, 8], 'i32');
  return Array.from(await noGrad(() => logits(model, ids)).data());
}

async function bytesOf(path: string): Promise<Map<string, Buffer>> {
  const store = await openSafetensors(await openFileReader(join(path, 'model.safetensors')));
  const found = new Map<string, Buffer>();
  for (const name of store.tensors.keys()) {
    const { data } = await store.read(name);
    found.set(name, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  await store.close();
  return found;
}

test.each(['hf-llama', 'hf-llama3-scaled-rope', 'hf-mistral', 'hf-qwen2', 'hf-qwen3', 'hf-bitnet'])(
  '%s: as Q-Sparse without changes it has the same weights, bit by bit, and logits',
  async (name) => {
    const out = free();
    const { code, err } = await cli('convert', published(name), out);
    expect({ code, err }).toEqual({
      code: 0,
      err: `${published(name)} has no tokenizer.json, so ${out} has none: generate needs it\n`,
    });
    expect((await readModelConfig(out)).family).toBe('qsparse');
    expect(await bytesOf(out)).toEqual(await bytesOf(published(name)));
    expect(await logitsOf(out)).toEqual(await logitsOf(published(name)));
  },
);

test('what is asked for is in the config, and nothing else', async () => {
  const out = free();
  const options = ['--sparsity', '0.5', '--weights', 'ternary', '--activation', 'relu2'];
  expect((await cli('convert', published('hf-llama'), out, ...options, '--json')).code).toBe(0);
  const { decoder } = await readModelConfig(out);
  const original = (await readModelConfig(published('hf-llama'))).decoder;
  const linear = {
    ...original.linear,
    sparsity: { kind: 'top-k', sparsity: 0.5 },
    weights: 'ternary',
    activations: 'int8',
  } as const;
  expect(decoder).toEqual({ ...original, activation: 'squared-relu', linear });
  // The result is computed as the source is with the same config.
  const changed = await logitsOf(published('hf-llama'), (config) => ({
    ...config,
    activation: 'squared-relu',
    linear,
  }));
  expect(await logitsOf(out)).toEqual(changed);
  // And it converts on, to blocks and full weights: those that the ternary model computes with.
  const back = free();
  expect((await cli('convert', out, back, '--block', '4:8', '--weights', 'full')).code).toBe(0);
  const blocks = (await readModelConfig(back)).decoder.linear;
  expect(blocks).toEqual({
    ...original.linear,
    sparsity: { kind: 'block', keep: 4, block: 8 },
    weights: 'full',
    activations: 'full',
  });
  const ternary = await logitsOf(out, (config) => ({ ...config, linear: { ...blocks, weights: 'ternary' } }));
  const full = await logitsOf(back);
  for (const [i, value] of full.entries()) expect(value).toBeCloseTo(ternary[i]!, 5);
});

test('a llama2.c file beside its tokenizer: calibrated, with shares by site, and it writes', async () => {
  const text = join(folder.path, 'story.txt');
  writeFileSync(
    text,
    'Once upon a time, there was a little girl named Lily. She liked to play in the park.\n',
  );
  const out = free();
  const calibrate = ['--calibrate', text, '--calibrate-tokens', '12', '--greedy', '--json'];
  const stories = join(STORIES, 'stories260K.bin');
  const {
    code,
    out: printed,
    err,
  } = await cli(
    'convert',
    stories,
    out,
    '--sparsity',
    '0.05',
    '--device',
    'cpu',
    '--threads',
    '1',
    ...calibrate,
  );
  expect({ code, err }).toMatchObject({ code: 0 });
  const { calibration } = JSON.parse(printed);
  expect(calibration.tokens).toBe(12);
  // The first row of the table is that of the model.
  const { linear } = (await readModelConfig(out)).decoder;
  const { sites, layers, dense } = calibration.selection;
  expect(sites.map(({ site }: { site: string }) => site)).toEqual(Object.keys(linear.sparsityBySite ?? {}));
  for (const { site, keeps, width, exact, statistical, threshold } of sites) {
    const { k } = selectionOf(linear.sparsityBySite![site]!, width);
    expect([keeps, exact.kept]).toEqual([k, k / width]);
    if (keeps === width) expect(exact.loss).toBe(dense);
    else {
      expect(exact.error).toBeGreaterThan(0);
      for (const { loss } of [statistical, threshold]) expect(Math.abs(loss - dense)).toBeLessThan(1);
    }
  }
  expect(layers).toHaveLength(5);
  // Steps end at the target, but for whole inputs; and the greedy choice is no worse than one share for all.
  expect(calibration.sparsity).toBeCloseTo(0.05, 1);
  expect(calibration.after).toBeLessThan(calibration.uniform);
  expect(calibration.before).toBe(dense);
  const { text: story } = JSON.parse(
    (
      await cli(
        'generate',
        out,
        '--prompt',
        'Once upon',
        '--max-tokens',
        '8',
        '--temperature',
        '0',
        '--json',
        ...REFERENCE,
      )
    ).out,
  );
  expect(story.length).toBeGreaterThan(8);
}, 60_000);

test('an OUT that holds something, and what cannot be, leave nothing behind', async () => {
  const full = free();
  mkdirSync(full);
  writeFileSync(join(full, 'mine.txt'), 'mine');
  const llama = published('hf-llama');
  const cases: readonly (readonly [readonly string[], number, string])[] = [
    [[llama, full], 2, 'must be new or an empty folder'],
    [[llama], 2, 'a model and a new folder are required'],
    [[llama, 'OUT', '--sparsity', '1'], 2, '--sparsity must be at least 0 and below 1, got 1'],
    [[llama, 'OUT', '--sparsity', '0.5', '--block', '2:4'], 2, 'exclude each other'],
    [[llama, 'OUT', '--block', '5:4'], 2, '--block must be KEEP:BLOCK'],
    [[llama, 'OUT', '--block', '3:7'], 1, 'blocks of 7 must divide the width 32'],
    [[llama, 'OUT', '--weights', 'binary'], 2, '--weights must be ternary or full, got "binary"'],
    [[llama, 'OUT', '--activation', 'gelu'], 2, '--activation must be relu2 or keep, got "gelu"'],
    [[llama, 'OUT', '--greedy', '--sparsity', '0.5'], 2, '--calibrate FILE is required'],
    [[llama, 'OUT', '--greedy', '--block', '2:4', '--calibrate', 'x'], 2, 'give --sparsity above 0'],
    [[llama, 'OUT', '--calibrate', __filename, ...REFERENCE], 2, 'needs a tokenizer'],
    [[join(folder.path, 'nowhere'), 'OUT'], 1, 'there is no folder'],
  ];
  for (const [argv, code, message] of cases) {
    const out = free();
    const ended = await cli('convert', ...argv.map((word) => (word === 'OUT' ? out : word)));
    expect(ended).toMatchObject({ code, err: expect.stringContaining(message) });
    expect(existsSync(out)).toBe(false);
  }
  expect(readdirSync(full)).toEqual(['mine.txt']);
});

test('weights that end early: no half folder stays', async () => {
  const damaged = free();
  mkdirSync(damaged);
  copyFileSync(join(published('hf-llama'), 'config.json'), join(damaged, 'config.json'));
  const whole = readFileSync(join(published('hf-llama'), 'model.safetensors'));
  writeFileSync(join(damaged, 'model.safetensors'), whole.subarray(0, whole.length - 1));
  const before = readdirSync(folder.path).length;
  const out = free();
  expect(await cli('convert', damaged, out)).toMatchObject({ code: 1 });
  expect(readdirSync(folder.path)).toHaveLength(before);
});

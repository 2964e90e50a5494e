import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Device } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { bytesReader, FormatError, memorySink, openSafetensors, writeSafetensors } from '@qsparse/formats';
import { writeFileAtomic } from '@qsparse/formats/node';
import { device } from 'qsparse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyFolder } from '../../src/verify/verify.ts';

const goldens = fileURLToPath(new URL('../fixtures/goldens', import.meta.url));
const folders = readdirSync(goldens);

const pretrained = fileURLToPath(new URL('../fixtures/hugging-face', import.meta.url));
const models = readdirSync(pretrained);
const QUANTITIES = [
  'logits',
  'logits, largest difference',
  'logits, median token',
  'token by token',
  'token by token, median',
  'loss',
  '24 greedy tokens, differing',
];

describe('reference', () => {
  test.each(models)('%s', async (name) => {
    const { checks, pass } = await verifyFolder(join(pretrained, name), referenceDevice());
    expect(checks.map(({ quantity }) => quantity)).toEqual(QUANTITIES);
    expect(checks.filter((check) => !check.pass)).toEqual([]);
    expect(pass).toBe(true);
    // The goldens were computed in float32.
    for (const { quantity, error } of checks) expect(error, quantity).toBeLessThan(2e-6);
  });

  test.each(folders)('%s', async (name) => {
    const { checks, pass } = await verifyFolder(join(goldens, name), referenceDevice());
    expect(checks.filter((check) => !check.pass)).toEqual([]);
    expect(pass).toBe(true);
    expect(checks.length).toBeGreaterThan(20);
    // Far inside what is promised: nothing but the goldens' own rounding.
    for (const { quantity, error } of checks) expect(error, quantity).toBeLessThan(1e-6);
  });
});

describe('cpu', () => {
  let cpu: Device;
  beforeAll(async () => {
    cpu = await device('cpu', { threads: 1 });
  });
  afterAll(() => cpu.dispose());

  test.each(models)('%s', async (name) => {
    const before = cpu.memory().count;
    const { checks } = await verifyFolder(join(pretrained, name), cpu);
    expect(checks.filter((check) => !check.pass)).toEqual([]);
    for (const { error, tolerance } of checks) expect(Math.max(error, tolerance)).toBeLessThanOrEqual(1e-4);
    expect(cpu.memory()).toMatchObject({ count: before, programs: 0 });
  });

  test.each(folders)('%s', async (name) => {
    const before = cpu.memory().count;
    const { checks } = await verifyFolder(join(goldens, name), cpu);
    expect(checks.filter((check) => !check.pass)).toEqual([]);
    expect(cpu.memory()).toMatchObject({ count: before, programs: 0 });
  });
});

describe('a device or a folder that is wrong', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'verify-'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const copy = (source: string = join(goldens, 'qsparse-dense-relu2glu')): string => {
    const folder = mkdtempSync(join(root, 'golden-'));
    cpSync(source, folder, { recursive: true });
    return folder;
  };
  const edit = (folder: string, from: string, to: string, file = 'golden.json'): void => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new Error(`no ${from} in ${path}`);
    writeFileSync(path, text.replace(from, to));
  };
  const rewrite = async (
    folder: string,
    file: string,
    change: (tensors: Map<string, unknown>) => void,
  ): Promise<void> => {
    const path = join(folder, file);
    const store = await openSafetensors(bytesReader(readFileSync(path), file));
    const tensors = new Map(
      await Promise.all(
        [...store.tensors.keys()].map(async (name) => [name, await store.read(name)] as const),
      ),
    );
    change(tensors);
    const sink = memorySink();
    await writeSafetensors(sink, tensors.values() as never);
    await writeFileAtomic(path, sink.bytes());
  };

  test.each<[string, string, object, readonly string[]]>([
    [
      'attention that sees too little',
      'attention',
      { window: 3 },
      ['logits', 'grad.model.norm.weight', 'loss curve'],
    ],
    ['an optimizer of other moments', 'adamw', { beta1: 0.8 }, ['loss curve']],
  ])('%s fails, by quantity', async (_, name, attrs, expected) => {
    const exact = referenceDevice();
    const wrong: Device = {
      ...exact,
      kernel(op) {
        const kernel = exact.kernel(op);
        if (op.name !== name || !kernel) return kernel;
        return (ins, outs, given) => kernel(ins, outs, { ...(given as object), ...attrs } as never);
      },
    };
    const { checks, pass } = await verifyFolder(join(goldens, 'qsparse-dense-relu2glu'), wrong);
    expect(pass).toBe(false);
    const failed = checks.filter((check) => !check.pass).map(({ quantity }) => quantity);
    expect(failed).toEqual(expect.arrayContaining([...expected]));
    expect(failed.includes('logits')).toBe(name === 'attention');
  });

  test.each<[string, (folder: string) => void | Promise<void>, string]>([
    [
      'a wrong key',
      (folder) => edit(folder, '"hidden_size"', '"hiden_size"'),
      'unknown key "config.hiden_size"; did you mean "hidden_size"?',
    ],
    ['a missing key', (folder) => edit(folder, '"first_loss"', '"note"'), '"note"'],
    ['a wrong optimizer key', (folder) => edit(folder, '"betas"', '"beta"'), '"optimizer.beta"'],
    [
      'heads that do not divide',
      (folder) => edit(folder, '"num_attention_heads": 4', '"num_attention_heads": 5'),
      '"config.hidden_size" must be a multiple of num_attention_heads (5)',
    ],
    [
      'a shorter curve',
      (folder) => edit(folder, '"loss_curve": [', '"loss_curve": [1,'),
      '"loss_curve" must be a list of 20 numbers',
    ],
    ['no JSON', (folder) => writeFileSync(join(folder, 'golden.json'), '{'), 'golden.json'],
    [
      'no weights',
      (folder) => rmSync(join(folder, 'model.safetensors')),
      'model.safetensors: there is no such file',
    ],
    ['cut weights', (folder) => truncateSync(join(folder, 'model.safetensors'), 5000), 'model.safetensors'],
    [
      'cut goldens',
      (folder) => truncateSync(join(folder, 'golden.safetensors'), 70_000),
      'golden.safetensors',
    ],
    [
      'a weight of another shape',
      (folder) => edit(folder, '"intermediate_size": 96', '"intermediate_size": 64'),
      'must have shape [64, 32], got [96, 32]',
    ],
    [
      'a missing gradient',
      (folder) =>
        rewrite(folder, 'golden.safetensors', (tensors) => void tensors.delete('grad.lm_head.weight')),
      'tensor "grad.lm_head.weight" is required',
    ],
    [
      'no tokens',
      (folder) => rewrite(folder, 'golden.safetensors', (tensors) => void tensors.delete('tokens')),
      'tensor "tokens" is missing',
    ],
    [
      'tokens of another type',
      (folder) =>
        rewrite(folder, 'golden.safetensors', (tensors) => {
          tensors.set('tokens', {
            name: 'tokens',
            dtype: 'f32',
            shape: [2, 1, 2],
            data: new Float32Array(4),
          });
        }),
      'tensor "tokens" must be i32',
    ],
    [
      'logits of another shape',
      (folder) =>
        rewrite(folder, 'golden.safetensors', (tensors) => {
          tensors.set('logits', { name: 'logits', dtype: 'f32', shape: [4], data: new Float32Array(4) });
        }),
      'tensor "logits" must have shape [3, 24, 48], got [4]',
    ],
  ])('a folder with %s is an error that names it, and no memory is kept', async (_, damage, message) => {
    const folder = copy();
    await damage(folder);
    const exact = referenceDevice();
    const error = await verifyFolder(folder, exact).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('\n');
    expect(exact.memory().programs).toBe(0);
  });

  test('a pretrained model with another window, an edited loss or a token that differs fails, by quantity', async () => {
    const folder = copy(join(pretrained, 'hf-mistral'));
    edit(folder, '"sliding_window": 16', '"sliding_window": 15', 'config.json');
    edit(folder, '"loss": 6', '"loss": 7');
    await rewrite(folder, 'golden.safetensors', (tensors) => {
      ((tensors.get('generated') as { data: Int32Array }).data[20] as number) ^= 1;
    });
    const { checks, pass } = await verifyFolder(folder, referenceDevice());
    expect(pass).toBe(false);
    const failed = checks.filter((check) => !check.pass).map(({ quantity }) => quantity);
    // Ours agrees with itself.
    expect(failed).toEqual(QUANTITIES.filter((quantity) => !quantity.startsWith('token by token')));
    expect(checks.at(-1)?.error).toBeGreaterThanOrEqual(1);
  });

  test.each<[string, (folder: string) => void | Promise<void>, string]>([
    ['an unknown key', (folder) => edit(folder, '"head_dim"', '"clip_qkv"', 'config.json'), '"clip_qkv"'],
    ['another family', (folder) => edit(folder, '"mistral"', '"mixtral"', 'config.json'), '"mixtral"'],
    ['no golden.json', (folder) => rmSync(join(folder, 'golden.json')), 'golden.json: there is no such file'],
    ['no weights', (folder) => rmSync(join(folder, 'model.safetensors')), 'model.safetensors is required'],
    [
      'tokens of another type',
      (folder) =>
        rewrite(folder, 'golden.safetensors', (tensors) => {
          tensors.set('tokens', { name: 'tokens', dtype: 'f32', shape: [1, 9], data: new Float32Array(9) });
        }),
      'tensor "tokens" must be i32 [rows, more than 8], got f32 [1,9]',
    ],
    [
      'no greedy tokens',
      (folder) => rewrite(folder, 'golden.safetensors', (tensors) => void tensors.delete('generated')),
      'tensor "generated" is required',
    ],
  ])('a model folder with %s is an error that names it', async (_, damage, message) => {
    const folder = copy(join(pretrained, 'hf-mistral'));
    await damage(folder);
    const error = await verifyFolder(folder, referenceDevice()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('\n');
  });
});

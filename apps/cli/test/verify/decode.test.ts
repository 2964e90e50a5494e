import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Device, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { memorySink, writeSafetensors } from '@qsparse/formats';
import { writeFileAtomic } from '@qsparse/formats/node';
import { createDecoder, DENSE, type DecoderConfig, initialize, packDecoder } from '@qsparse/layers';
import { generateTokens } from '@qsparse/models';
import { device } from 'qsparse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyDecoding } from '../../src/verify/decode.ts';
import { cli } from '../run-cli.ts';

const goldens = fileURLToPath(new URL('../fixtures/goldens', import.meta.url));
const pretrained = fileURLToPath(new URL('../fixtures/hugging-face', import.meta.url));

describe.each([1, 2])('cpu, %i threads', (threads) => {
  let cpu: Device;
  beforeAll(async () => {
    cpu = await device('cpu', { threads });
  });
  afterAll(() => cpu.dispose());

  test.each(readdirSync(goldens))('%s', async (name) => {
    const before = cpu.memory().count;
    const { checks, pass } = await verifyDecoding(join(goldens, name), cpu);
    expect(checks.filter((check) => !check.pass)).toEqual([]);
    expect(pass).toBe(true);
    // What differs is the order of sums; in the ternary blocks one near tie of a selection falls the other way for it.
    for (const { quantity, error } of checks)
      if (quantity !== 'logits, largest difference') expect(error, quantity).toBeLessThan(1e-5);
    expect(cpu.memory()).toMatchObject({ count: before, programs: 0 });
  });
});

// In float64 nothing falls the other way.
test.each(readdirSync(goldens))('reference: %s', async (name) => {
  const { checks } = await verifyDecoding(join(goldens, name), referenceDevice());
  for (const { quantity, error } of checks) expect(error, quantity).toBeLessThan(1e-6);
});

describe('random models on cpu', () => {
  let cpu: Device;
  beforeAll(async () => {
    cpu = await device('cpu', { threads: 2 });
  });
  afterAll(() => cpu.dispose());

  const WIDE: DecoderConfig = {
    ...{ vocabularySize: 101, hiddenSize: 320, intermediateSize: 700, layers: 2, heads: 5, keyValueHeads: 1 },
    ...{ headSize: 64, contextLength: 64, slidingWindow: 0, ropeTheta: 10_000, normEpsilon: 1e-5 },
    ...{ activation: 'squared-relu', subLayerNorms: true, tiedEmbedding: true, linear: DENSE },
  };
  const TERNARY = { ...DENSE, weights: 'ternary', activations: 'int8' } as const;
  test.each([
    ['ternary, 61 % left out', { ...TERNARY, sparsity: { kind: 'top-k', sparsity: 0.61 } }],
    ['ternary, blocks', { ...TERNARY, sparsity: { kind: 'block', keep: 8, block: 20 } }],
    ['full, 50 % left out', { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } }],
  ] as const)('%s: the same greedy tokens', async (_, linear) => {
    const model = createDecoder(cpu, { ...WIDE, linear }, { gradients: false });
    initialize(model, 3);
    const greedy = async (): Promise<readonly number[]> => {
      const tokens: number[] = [];
      const options = { temperature: 0, maxTokens: 40 };
      for await (const token of generateTokens(model, [1, 2, 3], options)) tokens.push(token);
      return tokens;
    };
    const dense = await greedy();
    model.packed = await packDecoder(model);
    expect(await greedy()).toEqual(dense);
    // The tokens do come from it.
    for (const { down } of model.packed.blocks) write(down.w, new Float32Array(down.w.size).fill(1));
    expect(await greedy()).not.toEqual(dense);
    model.dispose();
  });
});

test('the command', async () => {
  const { code, out } = await cli(
    'verify',
    join(goldens, 'qsparse-ternary'),
    '--decode',
    '--device',
    'reference',
    '--json',
  );
  expect(code).toBe(0);
  const { checks } = JSON.parse(out);
  expect(checks.map(({ quantity }: { quantity: string }) => quantity)).toEqual([
    'logits, largest difference',
    'logits, median token',
    'likeliest of 96 tokens, differing',
    '80 greedy tokens, differing',
  ]);
});

test('a pretrained model, and a folder whose tokens are none', async () => {
  const [name] = readdirSync(pretrained);
  const folder = mkdtempSync(join(tmpdir(), 'qsparse-decode-'));
  const cpu = await device('cpu', { threads: 1 });
  try {
    expect((await verifyDecoding(join(pretrained, name!), cpu)).pass).toBe(true);
    cpSync(join(pretrained, name!), folder, { recursive: true });
    const sink = memorySink();
    await writeSafetensors(sink, [
      { name: 'tokens', dtype: 'f32', shape: [1, 8], data: new Float32Array(8) },
    ]);
    await writeFileAtomic(join(folder, 'golden.safetensors'), sink.bytes());
    await expect(verifyDecoding(folder, cpu)).rejects.toThrow(
      'tensor "tokens" must be i32 [..., more than 4], got f32 [1,8]; check the folder',
    );
  } finally {
    cpu.dispose();
    rmSync(folder, { recursive: true });
  }
});

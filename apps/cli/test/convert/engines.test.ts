/** What is exported, read by engines and parsers that are not ours. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GGMLQuantizationType, gguf } from '@huggingface/gguf';
import { referenceDevice } from '@qsparse/core/reference';
import { trainBpe } from '@qsparse/data';
import { formatTokenizerJson, openSafetensors } from '@qsparse/formats';
import { WRITABLE_TYPES } from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import { generateTokens } from '@qsparse/models';
import { fromPretrained } from 'qsparse/node';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { cli, temporaryFolder } from '../run-cli.ts';
import { blockModel, STORIES } from './block-model.ts';
import { missing, openInLlamaCpp } from './llama-cpp.ts';

vi.setConfig({ testTimeout: 60_000 });
const folder = temporaryFolder();
afterAll(() => folder.remove());
let made = 0;
const device = referenceDevice();
const published = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/hugging-face/${name}`, import.meta.url));

async function exported(model: string, ...options: readonly string[]): Promise<string> {
  const path = join(folder.path, `${made++}.gguf`);
  const { code, err } = await cli('export', model, path, '--format', 'gguf', ...options);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return path;
}

/** A published model with some tokenizer: without one node-llama-cpp ends the process. */
async function withTokenizer(name: string): Promise<string> {
  const path = join(folder.path, `${name}-${made++}`);
  cpSync(published(name), path, { recursive: true });
  const tokenizer = await trainBpe(['the river and the stone'], { vocabSize: 262 });
  writeFileSync(join(path, 'tokenizer.json'), formatTokenizerJson(tokenizer.toJson()));
  writeFileSync(join(path, 'tokenizer_config.json'), '{ "eos_token": "<|endoftext|>" }');
  return path;
}

/** Eight tokens and the 24 greedy ones behind them. */
async function goldenTokens(name: string): Promise<number[]> {
  const golden = await openSafetensors(await openFileReader(join(published(name), 'golden.safetensors')));
  const { data } = await golden.read('generated');
  await golden.close();
  return Array.from(data as Int32Array, Number);
}

async function ours(model: string, prompt: readonly number[], count: number): Promise<number[]> {
  const { model: decoder } = await fromPretrained(model, device);
  const tokens: number[] = [];
  const options = { temperature: 0, maxTokens: count, stopTokens: [] };
  for await (const token of generateTokens(decoder, prompt, options)) tokens.push(token);
  decoder.dispose();
  return tokens;
}

const ternary = blockModel(folder.path);

const TEXTS = [
  'Once upon a time, there was a girl.',
  ' a space in front, and  two',
  'line\nbreaks\t\ttabs',
  'bytes: é, 漢字, 🙂',
  '',
  'Tom said: "Don\'t!" 123',
  '▁mark',
];

describe.skipIf(missing !== undefined)(`llama.cpp${missing ? ` is missing: ${missing}` : ''}`, () => {
  test('a dense model of the Llama family: the same tokens of texts, and the same greedy text', async () => {
    const path = await exported(STORIES, '--type', 'F32');
    const llama = await openInLlamaCpp(path);
    const { tokenizer } = await fromPretrained(path, device);
    for (const text of TEXTS)
      expect([text, [1, ...llama.tokenize(text)]]).toEqual([text, [...tokenizer.encode(text)]]);
    const prompt = [...tokenizer.encode('Once upon a time')];
    const tokens = await llama.greedy(prompt, 64);
    await llama.close();
    expect(tokens).toEqual(await ours(path, prompt, 64));
    expect(tokenizer.decode(tokens)).toContain('there was a little girl');
  });

  test.each(['hf-llama', 'hf-llama3-scaled-rope', 'hf-qwen2', 'hf-qwen3'])(
    '%s: the greedy tokens of its golden',
    async (name) => {
      const tokens = await goldenTokens(name);
      const llama = await openInLlamaCpp(await exported(await withTokenizer(name), '--type', 'F32'));
      expect(await llama.greedy(tokens.slice(0, 8), 24)).toEqual(tokens.slice(8));
      await llama.close();
    },
  );

  test('a tokenizer of bytes: the same tokens of texts', async () => {
    const path = await exported(await withTokenizer('hf-llama'));
    const llama = await openInLlamaCpp(path);
    const { tokenizer, model } = await fromPretrained(path, device);
    for (const text of TEXTS)
      expect([text, llama.tokenize(text)]).toEqual([text, [...tokenizer.encode(text)]]);
    model.dispose();
    await llama.close();
  });

  test('hf-mistral for texts within its sliding window', async () => {
    const options = ['--type', 'F32', '--context-length', '16'];
    const llama = await openInLlamaCpp(await exported(await withTokenizer('hf-mistral'), ...options));
    const tokens = await goldenTokens('hf-mistral');
    expect(await llama.greedy(tokens.slice(0, 8), 8)).toEqual(tokens.slice(8, 16));
    await llama.close();
  });

  test.each([
    ['llama', 'TQ2_0', false],
    ['llama', 'TQ1_0', false],
    // Blocks of activations are rounded there: with norms at every site that decides between near tokens.
    ['bitnet', 'F32', true],
  ] as const)('ternary weights of architecture %s in %s: the same greedy tokens', async (_, type, norms) => {
    const model = await (norms ? blockModel(folder.path, true) : ternary);
    const llama = await openInLlamaCpp(await exported(model, '--type', type));
    const prompt = [1, 300, 17, 45, 260];
    const tokens = await llama.greedy(prompt, 16);
    await llama.close();
    expect(tokens).toEqual(await ours(model, prompt, 16));
  });
});

test.each(WRITABLE_TYPES)('@huggingface/gguf reads a file of %s: every key and tensor', async (type) => {
  const path = await exported(await ternary, '--type', type);
  const file = await gguf(path, { allowLocalFile: true });
  expect(file.metadata).toMatchObject({
    'general.architecture': 'llama',
    'tokenizer.ggml.model': 'llama',
    'llama.block_count': 2,
  });
  const linear = file.tensorInfos.filter(({ name }) => /attn_(q|k|v|output)|ffn_/.test(name));
  const matrices = linear.filter(({ name }) => !name.includes('norm'));
  expect(matrices).toHaveLength(14);
  for (const { dtype } of matrices) expect(GGMLQuantizationType[dtype]).toBe(type);
  expect(file.tensorInfos).toHaveLength(14 + 4 + 3);
});

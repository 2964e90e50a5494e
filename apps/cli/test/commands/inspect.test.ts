import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memorySink, writeSafetensors } from '@qsparse/formats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, SMALL, temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const run = join(folder.path, 'run');
beforeAll(async () => {
  await cli('train', ...SMALL, '--steps', '1', '--data', writeText(folder.path), '--out', run);
});

test('a run: parameters, what each site keeps, sizes; by hand', async () => {
  const { code, out } = await cli('inspect', run, '--json');
  expect(code).toBe(0);
  // d 8, feed-forward 16, 2 heads of 4, 1 key-value head, 257 bytes, tied, 4 norms of 8, 8, 8, 16 and the last.
  const linear = 8 * 8 + 2 * (4 * 8) + 8 * 8 + 3 * 16 * 8;
  const total = 257 * 8 + linear + 40 + 8;
  expect(JSON.parse(out)).toMatchObject({
    folder: join(run, 'checkpoints', 'step-00000001'),
    parameters: { total, linear, embedding: 257 * 8 },
    sites: {
      qkv: { kept: 3, width: 8 },
      o: { kept: 3, width: 8 },
      'gate-up': { kept: 3, width: 8 },
      down: { kept: 6, width: 16 },
    },
    sparsity: 0.625,
    bytes: { f32: 4 * total, packed: linear / 4 + 4 * (total - linear), cache: 2 * 4 * 8 * 4 },
    memory: [{ contextLength: 8, cache: 2 * 4 * 8 * 4, total: 4 * total + 2 * 4 * 8 * 4 }],
    // The reference device keeps float64.
    stored: { f64: 8 * total },
  });
  const words = await cli('inspect', run);
  expect(words.out).toContain('parameters: 2,680 (576 in linear layers, 2,056 in embedding and head)');
  expect(words.out).toContain(
    'ternary weights, int8 activations, 62.5 % of the inputs left out by selection',
  );
  expect(words.out).toContain('  down     keeps 6 of 16');
  expect(words.out).toContain('\nstored: 0.02 MiB f64\n');
  expect(words.out).toContain('\n         8  0.00 MiB, 0.01 MiB\n');
});

test('a model of another family: what it has of its own, and the keys that change nothing', async () => {
  const golden = fileURLToPath(new URL('../fixtures/hugging-face/', import.meta.url));
  const { out } = await cli('inspect', join(golden, 'hf-mistral'));
  expect(out).toContain('\nmistral: 2 layers, width 32, 4 heads of 8 (2 key-value), feed-forward 64 (silu)');
  expect(out).toContain('\nwith sliding window of 16 tokens\n');
  expect(out).toMatch(/\nkeys of config\.json that change nothing: attention_dropout, bos_token_id, dtype, /);
  const json = await cli('inspect', join(golden, 'hf-qwen3'), '--json');
  expect(JSON.parse(json.out)).toMatchObject({
    family: 'qwen3',
    config: { queryKeyNorm: true, headSize: 16 },
    ignoredKeys: expect.arrayContaining(['use_cache']),
  });
  for (const [name, what] of [
    ['hf-qwen2', 'with biases at qkv'],
    ['hf-llama3-scaled-rope', 'with llama3 rope scaling by 8'],
    ['hf-bitnet', 'with sub-layer norms'],
  ] as const)
    expect((await cli('inspect', join(golden, name))).out).toContain(`\n${what}\n`);
});

test('a file: its tensors', async () => {
  const file = join(run, 'checkpoints', 'step-00000001', 'model.safetensors');
  const { code, out } = await cli('inspect', file);
  expect(code).toBe(0);
  expect(out).toContain('f64  [257, 8]  model.embed_tokens.weight\n');
  expect(out).toMatch(/\n\d+ tensors, 0\.0\d MiB\n$/);
  expect(JSON.parse((await cli('inspect', file, '--json')).out)).toMatchObject({
    path: file,
    metadata: { format: 'pt' },
  });
});

test('a GGUF file: the model, its metadata and tensors', async () => {
  const model = fileURLToPath(new URL('../fixtures/hugging-face/hf-llama', import.meta.url));
  const path = join(folder.path, 'llama.gguf');
  expect((await cli('export', model, path, '--format', 'gguf', '--type', 'Q8_0')).code).toBe(0);
  const { code, out } = await cli('inspect', path);
  expect(code).toBe(0);
  expect(out).toMatch(/^llama: 2 layers, width 32, .*\nparameters: 39,/);
  expect(out).toContain('general.architecture: llama\n');
  expect(out).toContain('\nstored: 0.04 MiB Q8_0, 0.00 MiB F32\n');
  expect(out).toContain('Q8_0  [320, 32]  token_embd.weight\n');
  const data = JSON.parse((await cli('inspect', path, '--json')).out);
  expect(data).toMatchObject({ path, metadata: { 'llama.block_count': '2' }, family: 'llama' });
});

test('sites of their own are shown one by one', async () => {
  const model = fileURLToPath(new URL('../fixtures/hugging-face/hf-llama', import.meta.url));
  const path = join(folder.path, 'by-site');
  expect((await cli('convert', model, path, '--sparsity', '0.5')).code).toBe(0);
  const file = join(path, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  config.qsparse.sparsity_by_site = { 'layers.1.down': 0.75 };
  writeFileSync(file, JSON.stringify(config));
  const { sites, sparsity } = JSON.parse((await cli('inspect', path, '--json')).out);
  expect(sites['layers.0.down']).toEqual({ kept: 32, width: 64 });
  expect(sites['layers.1.down']).toEqual({ kept: 16, width: 64 });
  // 3072 = 2048 + 1024 of q, k, v and o, 6144 of the feed-forward layer, 2048 of them behind `down`.
  expect(sparsity).toBeCloseTo(0.5 + (0.25 * 2048) / (2 * (3072 + 6144)), 9);
});

test('names from a file do not steer the terminal', async () => {
  const sink = memorySink();
  await writeSafetensors(sink, [{ name: 'a\x1b[2Jb\n', dtype: 'i8', shape: [1], data: new Int8Array(1) }]);
  const path = join(folder.path, 'odd.safetensors');
  writeFileSync(path, sink.bytes());
  const { out } = await cli('inspect', path);
  expect(out).toContain('"a\\u001b[2Jb\\n"');
  expect(out).not.toContain('\x1b');
});

test.each<[() => string[], number, string]>([
  [() => [], 2, 'the model folder or file is missing'],
  [() => [join(folder.path, 'no')], 1, 'there is no folder'],
  [() => [folder.path], 1, 'holds neither model.safetensors nor a checkpoint'],
  [() => [join(folder.path, 'text.txt')], 1, 'text.txt'],
])('%#: refused in one line', async (argv, code, message) => {
  const ended = await cli('inspect', ...argv());
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toContain(message);
  expect(ended.err.trim().split('\n')).toHaveLength(1);
});

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TensorToWrite } from '@qsparse/formats';
import { afterAll, expect, test } from 'vitest';
import { requireFree, writeModelFolder } from '../../src/convert/write-folder.ts';
import { temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const tensor = (data: TensorToWrite['data']): TensorToWrite => ({ name: 'w', dtype: 'u8', shape: [2], data });
const content = (data: TensorToWrite['data']) => ({
  config: { model_type: 'qsparse' },
  files: { 'tokenizer.json': new TextEncoder().encode('{}') },
  tensors: [tensor(data)],
});

test('all files at once, in place of an empty folder too', async () => {
  const out = join(folder.path, 'model');
  mkdirSync(out);
  await requireFree('convert', out);
  await writeModelFolder(out, content(Uint8Array.of(1, 2)), new AbortController().signal);
  expect(readdirSync(out).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  expect(readFileSync(join(out, 'config.json'), 'utf8')).toContain('"model_type": "qsparse"');
  await expect(requireFree('convert', out)).rejects.toThrow('[convert]');
});

test('stopped or failed half way, nothing is there', async () => {
  const before = readdirSync(folder.path);
  const stop = new AbortController();
  const stopping = content(() => {
    stop.abort(new Error('enough'));
    return Uint8Array.of(1, 2);
  });
  const out = join(folder.path, 'half');
  await expect(writeModelFolder(out, stopping, stop.signal)).rejects.toThrow('enough');
  const failing = content(() => Promise.reject(new Error('no such tensor')));
  await expect(writeModelFolder(out, failing, new AbortController().signal)).rejects.toThrow(
    'no such tensor',
  );
  expect(readdirSync(folder.path)).toEqual(before);
});

test('a file is in the way', async () => {
  const file = join(folder.path, 'file');
  writeFileSync(file, '');
  await expect(requireFree('export', file)).rejects.toThrow('must be new or an empty folder');
});

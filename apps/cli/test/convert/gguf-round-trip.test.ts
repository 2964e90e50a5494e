/** A GGUF file, converted to a folder and exported again: the same tensors and tokenizer, byte for byte. */
import { join } from 'node:path';
import { openGguf, WRITABLE_TYPES } from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import { afterAll, expect, test, vi } from 'vitest';
import { cli, temporaryFolder } from '../run-cli.ts';
import { blockModel } from './block-model.ts';

vi.setConfig({ testTimeout: 60_000 });
const folder = temporaryFolder();
afterAll(() => folder.remove());
const model = blockModel(folder.path);

async function run(...argv: readonly string[]): Promise<void> {
  expect(await cli(...argv)).toMatchObject({ code: 0, err: '' });
}

async function contentOf(path: string) {
  const file = await openGguf(await openFileReader(path));
  const tensors = new Map<string, object>();
  for (const name of file.tensors.keys()) {
    const { type, shape, bytes } = await file.read(name);
    tensors.set(name, { type, shape, bytes: Buffer.from(bytes).toString('base64') });
  }
  const tokenizer = [...file.metadata].filter(([key]) => key.startsWith('tokenizer.'));
  await file.close();
  return { tensors, tokenizer };
}

test.each(WRITABLE_TYPES)('%s', async (type) => {
  const paths = ['gguf', 'folder', 'again.gguf'].map((end) => join(folder.path, `${type}.${end}`));
  const [first, middle, again] = paths as [string, string, string];
  await run('export', await model, first, '--format', 'gguf', '--type', type);
  await run('convert', first, middle);
  // A file of ternary weights is taken for BitNet b1.58, with int8 activations.
  await run('export', middle, again, '--format', 'gguf', '--type', type, '--allow-dense');
  expect(await contentOf(again)).toEqual(await contentOf(first));
});

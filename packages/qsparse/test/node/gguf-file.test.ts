import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { referenceDevice } from '@qsparse/core/reference';
import { trainBpe } from '@qsparse/data';
import type { TensorToWrite } from '@qsparse/formats';
import {
  ggufTensors,
  ggufTokenizer,
  llamaMetadata,
  tokenizerMetadata,
  writeGguf,
} from '@qsparse/formats/gguf';
import { writeFileAtomic } from '@qsparse/formats/node';
import { createDecoder, DENSE, type DecoderConfig, initialize } from '@qsparse/layers';
import { ggufForm } from '@qsparse/models';
import { fromPretrained } from 'qsparse/node';
import { afterAll, expect, test } from 'vitest';
import { TINY } from '../tiny-decoder.ts';

const root = mkdtempSync(join(tmpdir(), 'gguf-file-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const device = referenceDevice();
const tokenizer = await trainBpe(['the river and the stone and the light'], { vocabSize: 262 });
const { endOfText, vocabularySize } = tokenizer;

/** A model with random weights as a file; `rows` of its embedding and ids of its tokenizer. */
async function writeModel(name: string, rows: number, ids: number = rows) {
  const config: DecoderConfig = {
    ...TINY,
    vocabularySize: rows,
    activation: 'silu',
    subLayerNorms: false,
    linear: DENSE,
  };
  const model = createDecoder(device, config);
  initialize(model, 1);
  const weights = [...model.arena.params].map(([key, param]): TensorToWrite => {
    const data = async () => Float32Array.from(await param.data());
    return { name: key, dtype: 'f32', shape: param.shape, data };
  });
  const form = ggufForm(config, { type: 'F32' });
  const template = '{{ messages }}';
  const stored = ggufTokenizer(tokenizer.toJson(), { rows: ids, endOfText, chatTemplate: template });
  const metadata = new Map([...llamaMetadata(form.model), ...tokenizerMetadata(stored)]);
  const path = join(root, name);
  await writeFileAtomic(path, async (sink) => {
    await writeGguf(sink, ggufTensors(form.model, weights, { type: 'F32' }), { metadata });
  });
  return { path, config, model };
}

test.each(['a path', 'a file: URL'])('%s to a model with its tokenizer', async (kind) => {
  const { path, config, model } = await writeModel('model.gguf', vocabularySize);
  const loaded = await fromPretrained(kind === 'a path' ? path : pathToFileURL(path), device);
  expect(loaded).toMatchObject({ folder: path, config: { family: 'llama', endOfText } });
  expect(loaded.model.config).toEqual({ ...config, ropeScaling: undefined });
  const values = Float32Array.from(await model.arena.values.data());
  expect(Float32Array.from(await loaded.model.arena.values.data())).toEqual(values);
  const text = 'the river and the <|endoftext|>';
  expect(loaded.tokenizer.encode(text)).toEqual(tokenizer.encode(text));
  expect(loaded.tokenizer.stopTokens).toEqual([endOfText]);
  expect(loaded.tokenizer.chatTemplates.get('default')?.template).toBe('{{ messages }}');
});

test('a tokenizer of another size, and what is no file, are refused', async () => {
  const { path } = await writeModel('other.gguf', vocabularySize - 1, vocabularySize);
  await expect(fromPretrained(path, device)).rejects.toThrow(`${vocabularySize - 1} rows`);
  await expect(fromPretrained(join(root, 'none.gguf'), device)).rejects.toThrow('none.gguf');
});

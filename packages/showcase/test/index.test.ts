import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { cpuDevice } from '@qsparse/backend-cpu';
import { noGrad, scope, tensor } from '@qsparse/core';
import type { ModelFiles } from '@qsparse/models';
import { SHOWCASE_URLS, ShowcaseError, showcaseFiles } from '@qsparse/showcase';
import { fromPretrained, generate, trainableDecoder } from 'qsparse';
import { afterEach, expect, test, vi } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const card = JSON.parse(read('../card.json')) as {
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  readonly check: { readonly bitsPerByte: number };
};
/** Of the passage; a model that knows the frequencies of letters alone has 4.2. */
const MOST_BITS_PER_BYTE = 3;
/** Between kernels that add up in another order. */
const SPREAD = 0.02;

afterEach(() => {
  vi.unstubAllGlobals();
});

test('every file is there as the card says, byte by byte, and no other', async () => {
  const files: ModelFiles = showcaseFiles(); // what fromPretrained takes
  expect(Object.keys(card.files).sort()).toEqual(Object.keys(SHOWCASE_URLS).sort());
  expect(readdirSync(new URL('../model', import.meta.url)).sort()).toEqual(Object.keys(card.files).sort());
  for (const [name, { bytes, sha256 }] of Object.entries(card.files)) {
    const file = await files.open(name);
    expect(file?.size, name).toBe(bytes);
    const content = await file!.read(0, bytes);
    expect(createHash('sha256').update(content).digest('hex'), name).toBe(sha256);
  }
  for (const name of ['tokenizer_config.json', '../card.json', 'constructor', ''])
    expect(await files.open(name), name).toBeUndefined();
});

test('a part of a file is a copy; a part outside of it is refused by name', async () => {
  const file = (await showcaseFiles().open('config.json'))!;
  const first = await file.read(0, 1);
  expect(String.fromCharCode(first[0]!)).toBe('{');
  first[0] = 0;
  expect(await file.read(0, 1)).toEqual(new Uint8Array([123]));
  await expect(file.read(file.size - 1, 2)).rejects.toThrow(ShowcaseError);
  await expect(file.read(-1, 1)).rejects.toThrow(`showcase/config.json has ${file.size} bytes`);
  await expect(file.read(0, 1, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});

test('a file that cannot be read: which one, why and what to do', async () => {
  vi.stubGlobal('process', {}); // neither Node's files …
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 404 }))); // … nor the server's
  const error = await showcaseFiles()
    .open('config.json')
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ShowcaseError);
  expect((error as ShowcaseError).code).toBe('io');
  expect(String(error)).toMatch(/config\.json cannot be read from .* \(the server answers 404\); install/);
});

test('it writes, and finds a passage that it never read about as likely as when it was made', async () => {
  const device = await cpuDevice();
  try {
    const { model, tokenizer } = await fromPretrained(showcaseFiles(), device);
    let text = '';
    for await (const piece of generate(model, tokenizer, 'It was a ', { maxTokens: 12, temperature: 0 }))
      text += piece;
    expect(text).toMatch(/^[\x20-\x7e]{12}$/);

    const passage = tokenizer.encode(read('treasure-island.txt'));
    const tokens = Int32Array.of(tokenizer.endOfText!, ...passage.slice(0, -1));
    const loss = noGrad(() =>
      scope(() =>
        trainableDecoder(model).loss(
          tensor(device, tokens, [1, tokens.length], 'i32'),
          tensor(device, Int32Array.from(passage), [1, tokens.length], 'i32'),
          {},
        ),
      ),
    );
    const bitsPerByte = (await loss.item()) / Math.LN2;
    expect(bitsPerByte).toBeLessThan(MOST_BITS_PER_BYTE);
    expect(Math.abs(bitsPerByte - card.check.bitsPerByte)).toBeLessThan(SPREAD);
    model.dispose();
  } finally {
    device.dispose();
  }
});

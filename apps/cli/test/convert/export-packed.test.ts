/** `export --packed-decode`: what it writes generates the same text, and nothing else can be done with it. */
import { join } from 'node:path';
import { normal, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { createDecoder, DENSE, initialize } from '@qsparse/layers';
import { saveModel } from 'qsparse/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSource, sourceTokenizer } from '../../src/convert/source.ts';
import { cli, temporaryFolder } from '../run-cli.ts';
import { STORIES } from './block-model.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const [model, packed] = [join(folder.path, 'model'), join(folder.path, 'packed')];
const GENERATE = ['--prompt', 'Once upon', '--temperature', '0', '--max-tokens', '16', '--device', 'cpu'];

beforeAll(async () => {
  const device = referenceDevice();
  const tokenizer = (await sourceTokenizer(await openSource(STORIES)))!;
  const decoder = createDecoder(device, {
    ...{ vocabularySize: tokenizer.vocabularySize, hiddenSize: 64, intermediateSize: 96, layers: 2 },
    ...{ heads: 4, keyValueHeads: 2, headSize: 16, contextLength: 128, slidingWindow: 0 },
    ...{ ropeTheta: 10_000, normEpsilon: 1e-5, activation: 'squared-relu', subLayerNorms: true },
    tiedEmbedding: true,
    linear: {
      ...DENSE,
      ...{ sparsity: { kind: 'top-k', sparsity: 0.5 }, weights: 'ternary', activations: 'int8' },
    },
  });
  initialize(decoder, 5);
  // Far from uniform, so that the likeliest token is no matter of rounding.
  const table = decoder.arena.params.get('model.embed_tokens.weight')!;
  write(table, normal(5, 0, table.size));
  await saveModel(model, decoder, tokenizer);
  decoder.dispose();
});

test('the same text, from a folder that names no float matrix', async () => {
  const { code, out, err } = await cli('export', model, packed, '--packed-decode');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain(`${packed} is written: packed for decoding`);
  const before = await cli('generate', model, ...GENERATE);
  expect(before).toMatchObject({ code: 0, err: '' });
  expect(await cli('generate', packed, ...GENERATE)).toEqual(before);
  // Without a packed kernel its parts do the same.
  const reference = await cli('generate', packed, ...GENERATE.slice(0, -1), 'reference');
  expect(reference).toEqual(before);
});

test('an embedding in int8, stored or made when the model is loaded, is a choice', async () => {
  const small = join(folder.path, 'small');
  const { code, out } = await cli('export', model, small, '--packed-decode', '--int8-vocabulary');
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('head in int8') });
  const made = await cli('generate', model, ...GENERATE, '--int8-vocabulary');
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(await cli('generate', small, ...GENERATE)).toEqual(made);
});

test.each([
  [['generate', packed, ...GENERATE, '--dense-decode'], 2, 'packed weights alone'],
  [['generate', packed, ...GENERATE, '--int8-vocabulary'], 2, '--int8-vocabulary cannot change'],
  [['generate', model, ...GENERATE, '--int8-vocabulary', '--dense-decode'], 2, 'is for packed weights'],
  [
    ['export', model, join(folder.path, 'again'), '--format', 'qsparse', '--int8-vocabulary'],
    2,
    'is for --packed-decode',
  ],
  [['export', packed, join(folder.path, 'again'), '--format', 'qsparse'], 1, 'can only generate text'],
  [['export', packed, join(folder.path, 'again'), '--packed-decode'], 1, 'can only generate text'],
  [['convert', packed, join(folder.path, 'again'), '--sparsity', '0.5'], 1, 'can only generate text'],
  [['export', model, join(folder.path, 'again'), '--packed-decode', '--packed'], 2, 'a format of its own'],
  [
    ['export', STORIES, join(folder.path, 'again'), '--packed-decode'],
    1,
    'ternary weights and int8 activations is required, got full weights',
  ],
] as const)('%j is refused', async (argv, code, message) => {
  expect(await cli(...argv)).toMatchObject({ code, err: expect.stringContaining(message) });
});

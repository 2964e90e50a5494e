import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referenceDevice } from '@qsparse/core/reference';
import { bytesReader, FormatError, formatTokenizerJson } from '@qsparse/formats';
import { createDecoder } from '@qsparse/layers';
import { generateTokens, llama2cTokenizer, loadWeights, openLlama2c } from '@qsparse/models';
import { describe, expect, test } from 'vitest';

const read = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`fixtures/stories260k/${name}`, import.meta.url))));
const bin = read('stories260K.bin');
const tokens = read('tok512.bin');
const expected = new TextDecoder().decode(read('expected-greedy-257.txt')).trimEnd();
const BOS = 1;

test('257 likeliest tokens are the text of the reference program', async () => {
  const { decoder, store } = await openLlama2c(bytesReader(bin, 'stories260K.bin'));
  const model = createDecoder(referenceDevice(), decoder);
  await loadWeights(model, store);
  await store.close();
  const { vocab } = llama2cTokenizer(tokens).model;
  const pieces = [...vocab.keys()];
  let [text, steps] = ['', 0];
  for await (const token of generateTokens(model, [BOS], {
    temperature: 0,
    maxTokens: 257,
    stopTokens: [BOS],
  })) {
    const piece = pieces[token]!;
    const [, byte] = /^<0x(..)>$/.exec(piece) ?? [];
    text += byte ? String.fromCharCode(Number.parseInt(byte, 16)) : piece.replaceAll('▁', ' ');
    steps++;
  }
  // Printed without the space that the first word begins with.
  expect(text.replace(/^ /, '')).toBe(expected);
  expect(steps).toBe(257);
});

test('the decoder and its tensors, by their names in Hugging Face checkpoints', async () => {
  const { decoder, store } = await openLlama2c(bytesReader(bin));
  expect(decoder).toMatchObject({
    vocabularySize: 512,
    hiddenSize: 64,
    intermediateSize: 172,
    layers: 5,
    heads: 8,
    keyValueHeads: 4,
    headSize: 8,
    contextLength: 512,
    ropeTheta: 10_000,
    tiedEmbedding: true,
  });
  expect(store.tensors.size).toBe(2 + 5 * 9);
  // Rows of a head of 8, in the order that makes halves of pairs.
  const stored = new Float32Array(bin.slice(28).buffer);
  const start = 512 * 64 + 5 * 64; // after embedding and norms
  const { data } = await store.read('model.layers.0.self_attn.q_proj.weight');
  for (const [to, from] of [0, 2, 4, 6, 1, 3, 5, 7].entries())
    expect(data.slice(to * 64, (to + 1) * 64)).toEqual(
      stored.slice(start + from * 64, start + (from + 1) * 64),
    );
  const { data: norm } = await store.read('model.norm.weight');
  expect(norm).toEqual(stored.slice(-(512 * 4 * 2) - 64, -(512 * 4 * 2)));
  await expect(store.read('lm_head.weight')).rejects.toThrow('there is no tensor "lm_head.weight"');
});

describe('a damaged file', () => {
  const edited = (at: number, value: number): Uint8Array => {
    const bytes = bin.slice();
    new DataView(bytes.buffer).setInt32(4 * at, value, true);
    return bytes;
  };

  test.each<[string, Uint8Array, string]>([
    ['no header', bin.subarray(0, 20), 'a header of 28 bytes is required'],
    ['cut short', bin.subarray(0, 500_000), '1056540 bytes are required by its header, it has 500000'],
    ['longer', new Uint8Array([...bin.subarray(0, 1_056_540), 0]), 'bytes are required by its header'],
    ['a negative width', edited(0, -64), 'hiddenSize must be a whole number'],
    ['a width that heads do not divide', edited(0, 63), 'headSize'],
    ['absurd layers', edited(2, 2 ** 31 - 1), 'layers must be at most'],
    ['another vocabulary', edited(5, -512), 'bytes are required by its header'],
    [
      'something else',
      new TextEncoder().encode('{"model": "no, this is a text file"}'),
      'is it a "version 0" model',
    ],
  ])('%s is refused, and closed', async (_, bytes, message) => {
    let isOpen = true;
    const close = async () => {
      isOpen = false;
    };
    const reader = { ...bytesReader(bytes, 'x.bin'), close };
    const error = await openLlama2c(reader).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain('[llama2.c] x.bin: ');
    expect((error as Error).message).toContain(message);
    expect(isOpen).toBe(false);
  });
});

describe('the tokenizer', () => {
  test('ids, scores as the order of merges', () => {
    const json = llama2cTokenizer(tokens);
    const { vocab, merges } = json.model;
    expect(vocab.size).toBe(512);
    expect(['<s>', '<0x00>', '▁t', 'he', '▁the', 'é'].map((text) => vocab.get(text))).toEqual([
      1, 3, 259, 260, 265, 485,
    ]);
    expect(merges.slice(0, 2)).toEqual([
      ['▁', 't'],
      ['h', 'e'],
    ]);
    expect(formatTokenizerJson(json)).toContain('"▁ t"');
  });

  const changed = (at: number, value: number): Uint8Array => {
    const bytes = tokens.slice();
    bytes[at] = value;
    return bytes;
  };
  test.each<[string, Uint8Array, string]>([
    ['cut short', tokens.subarray(0, 6000), 'it ends within token'],
    ['a length that leads out', changed(11, 0x7f), 'it ends within token 0'],
    ['no UTF-8', changed(4 + 8, 0xff), 'token 0'],
    ['nothing', new Uint8Array(), 'token 3 must be <0x00>'],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => llama2cTokenizer(bytes, 't.bin')).toThrow(FormatError);
    expect(() => llama2cTokenizer(bytes, 't.bin')).toThrow(message);
  });
});

import { PackingError } from '@qsparse/data';
import { textBatches } from '@qsparse/training';
import { expect, test } from 'vitest';

const tokens = Uint16Array.from({ length: 50 }, (_, i) => i);
const options = { batchSize: 2, rowLength: 8, seed: 4 };

test('after a seek the same batches follow, also across the end of an epoch', () => {
  const batches = textBatches(tokens, options);
  batches.next();
  for (let i = 0; i < 7; i++) {
    const position = JSON.parse(JSON.stringify(batches.position())) as unknown;
    const next = batches.next();
    const again = textBatches(tokens, options);
    again.seek(position);
    expect(again.next()).toEqual(next);
  }
  expect(batches.position()).toMatchObject({ epoch: 2 });
});

test('rows are text and what follows it', () => {
  const { tokens: inputs, targets, shape } = textBatches(tokens, options).next();
  expect(shape).toEqual([2, 8]);
  expect(targets).toEqual(inputs.map((token) => token + 1));
});

test('the fingerprint tells data, row length and order, not the batch size', () => {
  const { fingerprint } = textBatches(tokens, options);
  expect(textBatches(tokens, { ...options, batchSize: 3 }).fingerprint).toBe(fingerprint);
  expect(textBatches(tokens, { ...options, rowLength: 7 }).fingerprint).not.toBe(fingerprint);
  expect(textBatches(tokens, { ...options, seed: 5 }).fingerprint).not.toBe(fingerprint);
  expect(textBatches(tokens.slice(1), options).fingerprint).not.toBe(fingerprint);
});

test('too little text and a position of other data are refused', () => {
  expect(() => textBatches(tokens.slice(0, 8), options)).toThrow(PackingError);
  const batches = textBatches(tokens, options);
  for (const position of [{ epoch: 0, row: 6 }, { epoch: -1, row: 0 }, {}])
    expect(() => batches.seek(position)).toThrow(PackingError);
});

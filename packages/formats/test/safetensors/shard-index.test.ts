import { type FormatErrorCode, formatShardIndex, indexFileName, parseShardIndex } from '@qsparse/formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mutatedBytes } from '../helpers/mutated-bytes.ts';
import { failure, successOrFormatError } from '../helpers/outcome.ts';

const EXAMPLE = `{
  "metadata": {
    "total_size": 12
  },
  "weight_map": {
    "a": "model-00001-of-00002.safetensors",
    "b": "model-00002-of-00002.safetensors"
  }
}
`;

test('reading and writing, sorted by tensor name', () => {
  const { weightMap, metadata } = parseShardIndex(EXAMPLE);
  expect(metadata).toEqual({ total_size: 12 });
  expect(formatShardIndex(new Map([...weightMap].reverse()), 12)).toBe(EXAMPLE);
  expect(indexFileName('adapter')).toBe('adapter.safetensors.index.json');
});

test('names that objects treat specially survive', () => {
  const map = new Map(['10', '9', '__proto__', 'constructor', ''].map((name) => [name, 'x.safetensors']));
  expect(new Map(parseShardIndex(formatShardIndex(map, 0)).weightMap)).toEqual(map);
});

test('metadata may be absent or hold more', () => {
  expect(parseShardIndex('{"weight_map":{}}').metadata).toEqual({});
  expect(
    parseShardIndex('{"metadata":{"total_size":1,"mergekit_version":"0.0.4"},"weight_map":{}}').metadata,
  ).toEqual({
    total_size: 1,
    mergekit_version: '0.0.4',
  });
});

test.each<[string, string, FormatErrorCode]>([
  ['no weight_map', '{"metadata":{}}', 'missing-key'],
  ['an unknown key', '{"weight_map":{},"weightmap":{}}', 'unknown-key'],
  ['a map that is a list', '{"weight_map":[]}', 'value'],
  ['metadata that is text', '{"metadata":"x","weight_map":{}}', 'value'],
  ['a negative size', '{"metadata":{"total_size":-1},"weight_map":{}}', 'value'],
  ['a size of text', '{"metadata":{"total_size":"12"},"weight_map":{}}', 'value'],
  ['a tensor twice', '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', 'duplicate-key'],
  ['a file that is no text', '{"weight_map":{"a":1}}', 'value'],
  ['no file', '{"weight_map":{"a":null}}', 'value'],
  ['a path upwards', '{"weight_map":{"a":"../x.safetensors"}}', 'value'],
  ['an absolute path', '{"weight_map":{"a":"/etc/x.safetensors"}}', 'value'],
  ['a path of Windows', '{"weight_map":{"a":"c:x.safetensors"}}', 'value'],
  ['a backslash', '{"weight_map":{"a":"..\\\\x.safetensors"}}', 'value'],
  ['a zero byte', '{"weight_map":{"a":"x\\u0000.safetensors"}}', 'value'],
  ['another kind of file', '{"weight_map":{"a":"pytorch_model.bin"}}', 'value'],
  ['a list', '[]', 'value'],
  ['nothing', '', 'json'],
])('%s is refused', async (_, text, code) => {
  const error = await failure(() => parseShardIndex(text, 'i.json'), code);
  expect(error.message).toContain('i.json');
});

test('a name that is nearly right is suggested', async () => {
  const error = await failure(() => parseShardIndex('{"weight_maps":{}}'), 'unknown-key');
  expect(error.message).toContain('did you mean "weight_map"?');
});

test('fuzz: an index or a clear error', async () => {
  await fc.assert(
    fc.asyncProperty(mutatedBytes(new TextEncoder().encode(EXAMPLE)), async (bytes) => {
      const index = await successOrFormatError(() => parseShardIndex(bytes));
      for (const file of index?.weightMap.values() ?? []) expect(file).toMatch(/^[^/\\]+\.safetensors$/);
    }),
    { numRuns: 500 },
  );
});

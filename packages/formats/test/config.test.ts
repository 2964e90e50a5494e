import { formatConfig, parseConfig } from '@qsparse/formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure, successOrFormatError } from './helpers/outcome.ts';

const EXAMPLE = `{
  "model_type": "qsparse",
  "architectures": [
    "QSparseForCausalLM"
  ],
  "hidden_size": 256,
  "rms_norm_eps": 0.00001,
  "rope_scaling": null,
  "qsparse": {
    "sparsity": 0.6,
    "ste": true
  }
}
`;

test('reading and writing keeps keys in order, byte for byte', () => {
  expect(formatConfig(parseConfig(EXAMPLE))).toBe(EXAMPLE);
  expect(Object.keys(parseConfig(EXAMPLE)).slice(0, 2)).toEqual(['model_type', 'architectures']);
});

test('bytes, with and without a byte order mark', () => {
  const bytes = new TextEncoder().encode(`\ufeff${EXAMPLE}`);
  expect(parseConfig(bytes)).toEqual(parseConfig(EXAMPLE));
  expect(parseConfig(`\ufeff${EXAMPLE}`)).toEqual(parseConfig(EXAMPLE));
});

test('a mistake is named with file, line and column', async () => {
  const error = await failure(() => parseConfig('{\n  "a": 1,\n  "b": nul\n}', 'run/config.json'), 'json');
  expect(error.message).toBe(
    '[config] run/config.json, line 3, column 8: a value is required, got "nul\\n}"; correct the text there',
  );
  expect(error.file).toBe('run/config.json');
});

test('only objects are configs', async () => {
  for (const text of ['[]', 'null', '3', '"x"']) {
    const error = await failure(() => parseConfig(text), 'value');
    expect(error.message).toContain('must hold a JSON object');
  }
  await failure(() => parseConfig(''), 'json');
  await failure(() => parseConfig(Uint8Array.from([0x7b, 0xff])), 'encoding');
});

test('values that JSON would lose are refused by key', async () => {
  const error = await failure(() => formatConfig({ qsparse: { levels: [1, Number.NaN] } }), 'value');
  expect(error.message).toContain('"qsparse.levels.1"');
  expect(error.key).toBe('qsparse.levels.1');
});

test('random bytes: an object or a clear error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
      await successOrFormatError(() => parseConfig(bytes));
    }),
  );
});

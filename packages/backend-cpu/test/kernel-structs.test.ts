import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readKernels } from '../scripts/kernel-structs.mjs';

const folder = mkdtempSync(join(tmpdir(), 'kernel-structs-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string): Record<string, Record<string, string>> {
  writeFileSync(join(folder, 'k.c'), text);
  return readKernels(folder, ['k.c']);
}

test('fields keep their order and become camel case; comments are skipped', () => {
  const kernels = read(`
/* struct later_args { int32_t wrong; } */
struct some_op_args {
  const float *from; /* read */
  int8_t *row_codes;

  int32_t row_count; // how many
  uint32_t seed;
  float scale;
};
KERNEL(some_op) { }
struct a_args {
  const void *x;
};
KERNEL(a) { }
`);
  expect(Object.keys(kernels)).toEqual(['a', 'some_op']);
  expect(Object.entries(kernels.some_op!)).toEqual([
    ['from', 'pointer'],
    ['rowCodes', 'pointer'],
    ['rowCount', 'i32'],
    ['seed', 'i32'],
    ['scale', 'f32'],
  ]);
});

test.each([
  'double x;',
  'int64_t n;',
  'int32_t n, m;',
  'int32_t sizes[4];',
  'struct shape *s;',
  'int n;',
  'float **x;',
])('a field that is not one plain word is an error: %s', (field) => {
  const text = `struct k_args {\n  ${field}\n};\nKERNEL(k) { }\n`;
  expect(() => read(text)).toThrow(`cannot read "${field}"`);
});

test('a kernel without its struct, and two of one name, are errors', () => {
  expect(() => read('KERNEL(lonely) { }\n')).toThrow(/no struct lonely_args/);
  const one = 'struct k_args {\n  float x;\n};\nKERNEL(k) { }\n';
  expect(() => read(one + one)).toThrow(/two kernels are called k/);
});

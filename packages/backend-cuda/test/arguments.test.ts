/** Arguments arrive in a kernel as they were given: every field type, and padding as the C++ compiler has it. */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { readKernels } from '../scripts/kernel-structs.mjs';
import { type ArgumentLayouts, createArgumentBlock } from '../src/arguments.ts';
import { kernelLayouts } from '../src/generated/kernel-arguments.ts';
import { missing } from './emulated-device.ts';
import { type Fixtures, openFixtures } from './emulator/fixture-driver.ts';

const source = readFileSync(new URL('emulator/fixtures/arguments.cu', import.meta.url), 'utf8');
const layouts = Object.fromEntries(
  Object.entries(readKernels([['arguments', source]])).map(([kernel, { fields }]) => [
    kernel,
    { fields: Object.fromEntries(fields.map(({ name, type, offset }) => [name, [type, offset]])) },
  ]),
) as ArgumentLayouts;
type Values = Readonly<Record<string, number>>;

const CASES: readonly Values[] = [
  { first: 1, i: 2, l: 3, f: 0.5, last: 5, u: 6 },
  { first: 2 ** 47 - 256, i: -(2 ** 31), l: -1, f: -3.4028234663852886e38, last: 2 ** 32, u: 2 ** 32 - 1 },
  { first: 0x7fff_1234_5600, i: 2 ** 31 - 1, l: -(2 ** 53) + 1, f: 2 ** -149, last: 0, u: 0 },
  { first: 0, i: -7, l: 2 ** 53 - 1, f: Infinity, last: 2 ** 31, u: 2 ** 31 },
];

describe.skipIf(missing)('a struct of every field type', () => {
  const { start, call, make } = missing ? ({} as Fixtures) : openFixtures({ checks: true });

  test.each(CASES)('%o', (values) => {
    const gpu = start('arguments');
    const output = gpu.alloc(48);
    const kernel = make(
      'cuModuleGetFunction',
      make('cuModuleLoadData', Buffer.from('EMULATED:arguments\0')),
      Buffer.from('echo\0'),
    );
    const block = createArgumentBlock(layouts);
    const params = block.write('echo' as never, { ...values, y: output } as never);
    expect(call('cuLaunchKernel', kernel, 1, 1, 1, 1, 1, 1, 0, gpu.stream, params, 0)).toBe(0);
    const view = new DataView(gpu.download(output, 48));
    block.dispose();
    expect({
      first: Number(view.getBigUint64(0, true)),
      i: view.getInt32(8, true),
      l: Number(view.getBigInt64(16, true)),
      f: view.getFloat32(24, true),
      last: Number(view.getBigUint64(32, true)),
      u: view.getUint32(40, true),
    }).toEqual(values);
  });
});

test('every kernel has room in the block, and its fields neither overlap nor lie apart from their size', () => {
  const sizes: Readonly<Record<string, number>> = { pointer: 8, i64: 8, i32: 4, u32: 4, f32: 4 };
  for (const [name, { bytes, fields }] of Object.entries(kernelLayouts)) {
    let end = 0;
    for (const [type, offset] of Object.values(fields) as [string, number][]) {
      expect(offset % sizes[type]!, name).toBe(0);
      expect(offset, name).toBeGreaterThanOrEqual(end);
      end = offset + sizes[type]!;
    }
    expect(bytes - end, name).toBeGreaterThanOrEqual(0);
    expect(bytes - end, name).toBeLessThan(8);
    expect(bytes, name).toBeLessThanOrEqual(4096 - 64);
  }
});

test('the block begins with the address of the struct, as cuLaunchKernel wants it', () => {
  const block = createArgumentBlock();
  const params = block.write('accumulate_f32', { into: 256, x: 512, count: 3 });
  const bytes = new DataView(koffi.view(BigInt(params), 8));
  expect(Number(bytes.getBigUint64(0, true))).toBe(params + 64);
  block.dispose();
});

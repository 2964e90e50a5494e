import { MOST_PACKED_ROWS } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { cli } from '../run-cli.ts';

test('the machine, every device, and which fused ops run as parts', async () => {
  const { code, out } = await cli('doctor', '--json');
  const { machine, devices } = JSON.parse(out);
  expect(code).toBe(0);
  expect(machine).toMatchObject({ node: process.versions.node, cores: expect.any(Number) });
  expect(devices.map(({ name }: { name: string }) => name)).toEqual(['cuda', 'webgpu', 'cpu', 'reference']);
  expect(devices.at(-1)).toMatchObject({ works: true, composites: [] });
  const cpu = devices.find(({ name }: { name: string }) => name === 'cpu');
  expect(cpu.decoding).toHaveLength(3);
  expect(cpu.decoding[0]).toContain(`up to ${MOST_PACKED_ROWS.ternary} texts at once`);
  expect(cpu.decoding[2]).toContain(`up to ${MOST_PACKED_ROWS.plain} texts at once`);
  const words = await cli('doctor');
  expect(words.out).toContain(`Node ${process.versions.node}; `);
  expect(words.out).toContain('decoding, other weights: from packed weights where inputs are left out');
  expect(words.out).toContain('works   reference  float64 loops, for checking results');
});

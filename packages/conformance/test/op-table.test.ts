import * as core from '@qsparse/core';
import * as quantizers from '@qsparse/quantizers';
import { expect, test } from 'vitest';
import { opCases } from '../src/op-table.ts';

/** Whatever has the members of an op is one, however it is named. */
const isOp = (value: unknown): value is core.AnyOp =>
  typeof value === 'object' && value !== null && 'infer' in value && 'reference' in value && 'name' in value;

test('every op that core and quantizers export has cases', () => {
  const covered = new Set(opCases().map(({ op }) => op));
  const exported = Object.entries({ ...core, ...quantizers }).filter(([, value]) => isOp(value));
  expect(exported.length).toBeGreaterThan(30);
  expect(exported.filter(([, op]) => !covered.has(op as core.AnyOp)).map(([name]) => name)).toEqual([]);
});

test.each(opCases().map((row) => [row.key, row] as const))(
  '%s: names are unique, inputs are legal',
  (key, row) => {
    expect(row.cases.length).toBeGreaterThan(3);
    expect(new Set(row.cases.map(({ name }) => name)).size).toBe(row.cases.length);
    for (const { name, op, ins, shares, attrs } of row.cases) {
      const shared = Object.entries(shares ?? {}).map(([to, from]) => [to, ins[from]]);
      expect(
        () => op.infer({ ...ins, ...Object.fromEntries(shared) }, attrs),
        `${key}: ${name}`,
      ).not.toThrow();
      for (const { shape, elements } of Object.values(ins)) expect(elements.length).toBe(core.sizeOf(shape));
    }
  },
);

import * as core from '@qsparse/core';
import * as quantizers from '@qsparse/quantizers';
import { expect, test } from 'vitest';
import { opCases } from '../src/op-table.ts';
import { caseOf } from './sabotage.ts';

/** Whatever has the members of an op is one, however it is named. */
const isOp = (value: unknown): value is core.AnyOp =>
  typeof value === 'object' && value !== null && 'infer' in value && 'reference' in value && 'name' in value;

test('every op that core and quantizers export has cases', () => {
  const covered = new Set(opCases().map(({ op }) => op));
  const exported = Object.entries({ ...core, ...quantizers }).filter(([, value]) => isOp(value));
  expect(exported.length).toBeGreaterThan(30);
  expect(exported.filter(([, op]) => !covered.has(op as core.AnyOp)).map(([name]) => name)).toEqual([]);
});

test('cases that compute in bf16 are marked, also where it meets f32; those that only move it are not', () => {
  for (const [key, name] of [
    ['scaleOp', 'bf16 [2, 5]'],
    ['matmulOp', 'bf16 NT 5x9x7 into f32'],
    ['accumulateOp', 'bf16 into f32 [2, 5]'],
    ['rmsNormOp', 'bf16 [3, 7] with an f32 weight'],
  ] as const) {
    expect(caseOf(key, name).bf16, name).toBe(true);
  }
  for (const [key, name] of [
    ['matmulOp', 'NT 5x9x7'],
    ['castOp', 'bf16 to f32 [3]'],
    ['castStraightThroughOp', '[3]'],
  ] as const) {
    expect(caseOf(key, name).bf16, name).toBe(false);
  }
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

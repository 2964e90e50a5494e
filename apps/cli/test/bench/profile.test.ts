/** What a profile is told as: rows by kernel, the part of matrix products by the names of every device, and a trace. */
import { expect, test } from 'vitest';
import { chromeTrace, shareOfProducts, sharesOf } from '../../src/bench/profile.ts';

const launch = (name: string, start: number, duration: number) => ({ name, start, duration });
const LAUNCHES = [
  launch('gemm 4 x 4 x 4', 0, 3),
  launch('matmul-vec4.tiled tile=8', 3, 2),
  launch('softmax.softmax', 5, 4),
  launch('matmul-vec4.tiled tile=8', 9, 1),
];

test('launches of one kernel are one row, the longest first', () => {
  expect(sharesOf(LAUNCHES)).toEqual([
    { name: 'softmax.softmax', launches: 1, microseconds: 4 },
    { name: 'gemm 4 x 4 x 4', launches: 1, microseconds: 3 },
    { name: 'matmul-vec4.tiled tile=8', launches: 2, microseconds: 3 },
  ]);
  expect(shareOfProducts(sharesOf(LAUNCHES))).toBeCloseTo(0.6);
});

test('a trace tells products from other kernels', () => {
  const { traceEvents } = JSON.parse(chromeTrace(LAUNCHES)) as { traceEvents: { cat: string }[] };
  expect(traceEvents.map(({ cat }) => cat)).toEqual(['gemm', 'gemm', 'kernel', 'gemm']);
});

import { type Op, run, type Tensor } from '@qsparse/core';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

/** y = x³ with a gradient that is `factor` times the right one. */
function cube(factor: number): Op<'x', 'y', null> {
  const op: Op<'x', 'y', null> = {
    name: 'cube',
    infer: ({ x }) => ({ y: x }),
    reference({ x }, { y }) {
      for (let i = 0; i < x.length; i++) y[i] = x[i]! ** 3;
    },
    vjp: {
      save: ['x'],
      pull: ({ d, saved }) => ({ x: run(rule, { x: saved.x!, dy: d.y! }, null).dx }),
    },
  };
  const rule: Op<'x' | 'dy', 'dx', null> = {
    name: 'cube-backward',
    infer: ({ x }) => ({ dx: x }),
    reference({ x, dy }, { dx }) {
      for (let i = 0; i < x.length; i++) dx[i] = factor * 3 * x[i]! ** 2 * dy[i]!;
    },
  };
  return op;
}

const apply =
  (factor: number) =>
  ({ x }: { readonly x: Tensor }) =>
    run(cube(factor), { x }, null).y;

test('a right rule passes, a rule wrong by one part in a thousand is named', () => {
  checkGradients(apply(1), { x: { shape: [2, 3] } });
  expect(() => checkGradients(apply(1.001), { x: { shape: [2, 3] } })).toThrow('gradient of x[0]');
});

test('a NaN gradient fails', () => {
  expect(() => checkGradients(apply(Number.NaN), { x: { shape: [2] } })).toThrow('got NaN');
});

test('a surrogate stands for the expression when differences would be zero', () => {
  const straightThrough: Op<'x', 'y', null> = {
    name: 'round-straight-through',
    infer: ({ x }) => ({ y: x }),
    reference({ x }, { y }) {
      for (let i = 0; i < x.length; i++) y[i] = Math.round(x[i]!);
    },
    vjp: { identity: 'x' },
  };
  const build = ({ x }: { readonly x: Tensor }) => run(straightThrough, { x }, null).y;
  checkGradients(build, { x: { shape: [4] } }, { surrogate: ({ x }) => x });
  expect(() => checkGradients(build, { x: { shape: [4] } })).toThrow('gradient of x');
});

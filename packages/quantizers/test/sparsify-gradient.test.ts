/** The gradient rules of sparsify. They are not true derivatives, so they are held against their stated formulas. */
import {
  add,
  backward,
  matmul,
  normal,
  paramArena,
  reshape,
  scope,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { type SparsifyOptions, selectMask, sparsify } from '@qsparse/quantizers';
import { describe, expect, test } from 'vitest';
import { gradientsOf } from './gradient.ts';

const width = 12;
const epsilon = 1e-3;
const x = Array.from(normal(5, 0, 3 * width));
// Ties, and entries that int8 rounds to zero although they are kept.
x.splice(0, 8, 1, -1, 1, -1, 1, -1, 1e-4, 0);
const weight = Array.from(normal(5, 1, width), (value) => 1 + value / 4);
const dy = Array.from(normal(5, 2, 3 * width));

function normed(xs: readonly number[], w: readonly number[]): number[] {
  return xs.map((value, i) => {
    const first = i - (i % width);
    const square = xs.slice(first, first + width).reduce((sum, entry) => sum + entry * entry, 0) / width;
    return (value / Math.sqrt(square + epsilon)) * w[i % width]!;
  });
}

/** Central differences of Σ dh · rmsNorm(x, w), with dh held fixed: the norm is differentiable, the rest is not. */
function normGradient(dh: readonly number[], at: readonly number[], f: (at: number[]) => number[]): number[] {
  const step = 1e-5;
  const total = (values: number[]) => f(values).reduce((sum, value, i) => sum + dh[i]! * value, 0);
  return at.map((value, i) => {
    const up = total(at.with(i, value + step));
    const down = total(at.with(i, value - step));
    return (up - down) / (2 * step);
  });
}

const ones = Array<number>(width).fill(1);
const selections = [
  { k: 5 },
  { k: 1 },
  { k: width, int8: true },
  { k: 8, int8: true },
  { k: 2, block: 4 },
  { k: 1, block: 3, int8: true },
];

describe.each(selections)('%o', (selection) => {
  const mask = (h: readonly number[]) => Array.from(selectMask(h, width, selection));
  const sum = (actual: readonly number[], expected: readonly number[]) => {
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  };

  test('straight through: dx = dy', () => {
    expect(gradientsOf({ x }, width, dy, (p) => sparsify(p.x!, selection)).x).toEqual(dy);
  });

  test('masked: dx = dy · mask, also where a kept entry is zero', () => {
    const { x: dx } = gradientsOf({ x }, width, dy, (p) => sparsify(p.x!, { ...selection, ste: false }));
    const kept = mask(x);
    expect(dx!.map((value) => value + 0)).toEqual(dy.map((value, i) => (kept[i] ? value : 0)));
  });

  test.each([true, false])('with a norm (ste %o): the norm gradient of dy, or of dy · mask', (ste) => {
    const options: SparsifyOptions = { ...selection, ste, epsilon };
    const weighted = normed(x, weight);
    const dh = ste ? dy : dy.map((value, i) => value * mask(weighted)[i]!);
    const both = gradientsOf({ x, weight }, width, dy, (p) =>
      sparsify(p.x!, { ...options, weight: p.weight! }),
    );
    sum(
      both.x!,
      normGradient(dh, x, (xs) => normed(xs, weight)),
    );
    sum(
      both.weight!,
      normGradient(dh, weight, (w) => normed(x, w)),
    );

    const plain = ste ? dy : dy.map((value, i) => value * mask(normed(x, ones))[i]!);
    const bare = gradientsOf({ x }, width, dy, (p) => sparsify(p.x!, { ...options, normalize: true }));
    sum(
      bare.x!,
      normGradient(plain, x, (xs) => normed(xs, ones)),
    );
  });
});

test('gradients of two uses add up', () => {
  const once = gradientsOf({ x, weight }, width, dy, (p) => sparsify(p.x!, { k: 4, weight: p.weight! }));
  const twice = gradientsOf({ x, weight }, width, dy, (p) => {
    const options = { k: 4, weight: p.weight! };
    return add(sparsify(p.x!, options), sparsify(p.x!, options));
  });
  for (const name of ['x', 'weight'] as const) {
    twice[name]!.forEach((value, i) => {
      expect(value).toBeCloseTo(2 * once[name]![i]!, 12);
    });
  }
});

describe('launches', () => {
  /** What a forward and a backward pass launch, beside those of the loss. */
  function launchesOf(options: SparsifyOptions, weighted = false) {
    const device = nullDevice();
    const arena = paramArena(device, [
      { name: 'x', shape: [3, width] },
      { name: 'weight', shape: [width] },
    ]);
    const param = (name: string) => arena.params.get(name)!;
    const dyTensor = tensor(device, dy, [dy.length, 1]);
    const count = (forward: (input: Tensor) => Tensor) => {
      device.resetCounts();
      scope(() => {
        const y = forward(param('x'));
        backward(reshape(matmul(reshape(y, [1, dy.length]), dyTensor), [1]), arena.params.values());
      });
      return device.counts().launches;
    };
    const loss = count((input) => input);
    const all = count((input) =>
      sparsify(input, { ...options, ...(weighted && { weight: param('weight') }) }),
    );
    const names = new Set([...Object.keys(loss), ...Object.keys(all)]);
    const extra = [...names].map((name) => [name, (all[name] ?? 0) - (loss[name] ?? 0)] as const);
    return Object.fromEntries(extra.filter(([, launches]) => launches !== 0));
  }

  test('straight through without a norm is one launch, and none backwards', () => {
    expect(launchesOf({ k: 4 })).toEqual({ sparsify: 1 });
    expect(launchesOf({ k: 4, block: 6, int8: true })).toEqual({ sparsify: 1 });
  });

  test('keeping all costs nothing, or the norm', () => {
    expect(launchesOf({})).toEqual({});
    expect(launchesOf({}, true)).toMatchObject({ 'rms-norm': 1, 'rms-norm-backward': 1 });
  });

  test('with a norm the backward pass is one launch that adds into both gradients', () => {
    expect(launchesOf({ k: 4, int8: true }, true)).toEqual({ sparsify: 1, 'rms-norm-backward': 1 });
  });

  test('the masked gradient recomputes the selection', () => {
    expect(launchesOf({ k: 4, ste: false })).toMatchObject({ sparsify: 1, select: 1, binary: 1 });
    expect(launchesOf({ k: 4, ste: false }, true)).toEqual({
      sparsify: 1,
      'rms-norm': 1,
      select: 1,
      binary: 1,
      'rms-norm-backward': 1,
    });
  });
});

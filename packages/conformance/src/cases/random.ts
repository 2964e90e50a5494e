/** Cases of the ops that draw random numbers. All exact: every device draws the same ones. */
import { type randomOp, randomState, type sampleOp } from '@qsparse/core';
import type { Draw } from '../draw.ts';
import type { CaseList } from '../op-case.ts';

const exact = 'exact' as const;

function state(draw: Draw, seed: number, stream: number, counter: number) {
  return draw.wholes([4], randomState(seed, stream, counter | 0));
}

const DISTRIBUTIONS = [
  { distribution: 'uniform', scale: 1 },
  { distribution: 'uniform', scale: -0.3 },
  { distribution: 'normal', scale: 1 },
  { distribution: 'normal', scale: 0.02 },
] as const;

export const randomCases: CaseList<typeof randomOp> = (draw) => [
  ...DISTRIBUTIONS.flatMap((attrs) =>
    ([[], [1], [3], [4], [5], [7, 9], [4003]] as const).map((shape) => ({
      name: `${attrs.distribution} times ${attrs.scale} [${shape}]`,
      ins: { into: draw.normal(shape, { dtype: 'f32' }), state: state(draw, 1234, 5, 0) },
      attrs,
      accuracy: exact,
    })),
  ),
  ...(
    [
      ['seed 0', 0, 0, 0],
      ['a seed above 2^32', 2 ** 53 - 1, 1, 7],
      ['a negative stream', 3, -1, 7],
      ['a counter that wraps', 3, 1, 2 ** 32 - 2],
      ['a counter at 2^31', 3, 1, 2 ** 31 - 1],
    ] as const
  ).flatMap(([name, seed, stream, counter]) =>
    (['uniform', 'normal'] as const).map((distribution) => ({
      name: `${distribution}, ${name}`,
      ins: { into: draw.normal([19], { dtype: 'f32' }), state: state(draw, seed, stream, counter) },
      attrs: { distribution, scale: 1 },
      accuracy: exact,
    })),
  ),
];

const PLAIN = { temperature: 1, topK: 0, topP: 1 };

export const sampleCases: CaseList<typeof sampleOp> = (draw) => [
  ...(
    [
      [[1, 1], PLAIN],
      [[5, 2], PLAIN],
      [[40, 7], PLAIN],
      [[40, 33], { ...PLAIN, temperature: 0.7 }],
      [[9, 1000], { ...PLAIN, temperature: 2.5 }],
      [[40, 33], { ...PLAIN, topK: 1 }],
      [[40, 33], { ...PLAIN, topK: 5 }],
      [[40, 33], { ...PLAIN, topK: 33 }],
      [[40, 33], { ...PLAIN, topK: 1000 }],
      [[9, 1000], { ...PLAIN, topP: 0.9 }],
      [[9, 1000], { temperature: 0.8, topK: 40, topP: 0.95 }],
      [[40, 33], { ...PLAIN, topP: 1e-6 }],
      [[2, 20_021], { temperature: 1.1, topK: 50, topP: 0.9 }],
      [[1, 20_021], { ...PLAIN, topP: 0.99 }],
      [[40, 33], { ...PLAIN, temperature: 1e-3 }],
    ] as const
  ).map(([shape, attrs]) => ({
    name: `[${shape}] temperature ${attrs.temperature} topK ${attrs.topK} topP ${attrs.topP}`,
    ins: { logits: draw.normal(shape, { scale: 2 }), random: state(draw, 99, 3, 11) },
    attrs,
    accuracy: exact,
  })),
  // Equal logits: the order is that of the indices, and prefixes end exactly where a sum of equal terms says.
  ...[0.1, 0.3, 0.5, 0.7, 0.8, 1].flatMap((topP) =>
    [0, 4].map((topK) => ({
      name: `equal logits, topK ${topK} topP ${topP}`,
      ins: { logits: draw.floats([40, 10], [0.5]), random: state(draw, 7, 1, 2 ** 32 - 20) },
      attrs: { temperature: 1, topK, topP },
      accuracy: exact,
    })),
  ),
  ...(
    [
      ['ties', [1, 3, 0, 3, 3, -1, 1]],
      ['-infinity is never drawn', [1, -Infinity, 2, -Infinity]],
      ['all but one impossible', [-Infinity, -Infinity, 5]],
      ['-0 and 0', [-0, 0, -0, 0, -5]],
      ['a NaN gives -1', [1, NaN, 2]],
      ['an infinity gives -1', [1, Infinity, 2]],
      ['nothing possible gives -1', [-Infinity]],
      ['huge logits', [3e38, -3e38, 3e38]],
    ] as const
  ).flatMap(([name, row]) =>
    [0, 2].map((topK) => ({
      name: `${name}, topK ${topK}`,
      ins: { logits: draw.floats([17, row.length], row), random: state(draw, 5, 2, 1) },
      attrs: { ...PLAIN, topK },
      accuracy: exact,
    })),
  ),
];

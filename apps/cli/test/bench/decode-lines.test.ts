import { expect, test } from 'vitest';
import type { DecodeResult, DecodeRow } from '../../src/bench/decode.ts';
import { decodeChart } from '../../src/bench/decode-chart.ts';
import { decodeLines } from '../../src/bench/decode-lines.ts';

const row = (sparsity: number, tokensPerSecond: number, speedup: number): DecodeRow => ({
  ...{ form: 'packed', sparsity, milliseconds: 1000 / tokensPerSecond, low: 1, high: 9 },
  ...{ tokensPerSecond, tokensPerSecondBest: tokensPerSecond, speedup, megabytes: 80 * (1 - sparsity) },
  tokensPerSecondFull: tokensPerSecond,
});
const result: DecodeResult = {
  ...{ shape: '214M', weights: 'ternary', layers: 16, threads: 2, headMilliseconds: 1, otherMegabytes: 20 },
  rows: [row(0, 100, 1), row(0.5, 90, 0.9), row(0.75, 200, 2)],
  prefill: { tokens: 256, best: 300, median: 280 },
  batches: [
    { batch: 8, sparsity: 0, tokensPerSecond: 400, speedup: 1 },
    { batch: 8, sparsity: 0.75, tokensPerSecond: 300, speedup: 0.75 },
  ],
};

test('the table says where leaving inputs out loses', () => {
  const lines = decodeLines(result);
  const losing = lines.filter((line) => line.endsWith('loses to dense'));
  expect(losing.map((line) => line.trim().split(/\s+/).slice(0, 2))).toEqual([
    ['packed', '50'],
    ['8', '75'],
  ]);
  expect(lines).toContain('a prompt of 256 tokens: 280.0 tokens/s, best 300.0');
});

test('the ideal of speed grows as inputs are left out, that of bytes falls; the head stays', () => {
  const svg = decodeChart([result], 'a <device>');
  expect(svg).toContain('a &lt;device&gt;');
  const rows = [...svg.matchAll(/<path class="line c0( dashed)?" d="M([\d., L]+)"/g)]
    .filter(([, , points]) => points!.includes('L'))
    .map(([, , points]) => points!.split('L').map((point) => Number(point.split(',')[1])));
  const [speed, idealSpeed, bytes, idealBytes] = rows as [number[], number[], number[], number[]];
  // Smaller is higher.
  expect(idealSpeed.at(-1)).toBeLessThan(speed.at(-1)!);
  expect(speed[1]).toBeGreaterThan(speed[0]!);
  expect(bytes.at(-1)).toBeLessThan(idealBytes.at(-1)!);
  expect(bytes[0]).toBe(idealBytes[0]);
});

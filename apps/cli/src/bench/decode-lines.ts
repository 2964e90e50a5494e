/** What `qsparse bench decode` prints for people. */
import type { BatchRow, DecodeResult, DecodeRow } from './decode.ts';

export function decodeLines(result: DecodeResult): readonly string[] {
  const { shape, weights, layers, threads, headMilliseconds, rows, prefill, batches } = result;
  return [
    `${shape} ${weights}, ${layers} layers, ${threads} threads; the head takes ${headMilliseconds.toFixed(2)} ms of each token`,
    'form     sparsity  ms a token (10 % to 90 %)   tokens/s  speedup  MB of weights  tokens/s with all layers',
    ...rows.map(rowLine),
    ...rows.flatMap(stepLines),
    ...(prefill
      ? [
          `a prompt of ${prefill.tokens} tokens: ${prefill.median.toFixed(1)} tokens/s, best ${prefill.best.toFixed(1)}`,
        ]
      : []),
    ...(batches.length > 0
      ? ['batch  sparsity   tokens/s of all   against dense', ...batches.map(batchLine)]
      : []),
  ];
}

function rowLine(row: DecodeRow): string {
  const times = `${row.milliseconds.toFixed(2).padStart(9)} (${row.low.toFixed(2)} to ${row.high.toFixed(2)})`;
  return [
    row.form.padEnd(7),
    `${(100 * row.sparsity).toFixed(0).padStart(7)} %`,
    times.padEnd(26),
    row.tokensPerSecond.toFixed(1).padStart(9),
    `${row.speedup.toFixed(2)}x`.padStart(7),
    row.megabytes.toFixed(1).padStart(13),
    row.tokensPerSecondFull.toFixed(1).padStart(9) + verdict(row),
  ].join('  ');
}

/** Where the time of a step goes, where the device tells. */
function stepLines({ form, sparsity, step, roofShare = 0 }: DecodeRow): readonly string[] {
  if (!step) return [];
  const { milliseconds, launches, kernels } = step;
  const share = `${(100 * roofShare).toFixed(0)} % of what a copy reaches`;
  return [
    `${form}, ${(100 * sparsity).toFixed(0)} %: ${milliseconds.toFixed(3)} ms on the device, ${launches} launches, ${share}`,
    ...kernels
      .slice(0, 12)
      .map(
        ({ name, launches: count, microseconds }) =>
          `  ${name.padEnd(40)} ${String(count).padStart(5)} x ${(microseconds / count).toFixed(2).padStart(8)} us`,
      ),
  ];
}

function batchLine(row: BatchRow): string {
  return [
    String(row.batch).padStart(5),
    `${(100 * row.sparsity).toFixed(0).padStart(6)} %`,
    row.tokensPerSecond.toFixed(1).padStart(15),
    `${row.speedup.toFixed(2)}x`.padStart(14) + verdict(row),
  ].join('  ');
}

/** Leaving inputs out costs a selection: where that is more than it saves, the table says so. */
const verdict = ({ sparsity, speedup }: { readonly sparsity: number; readonly speedup: number }): string =>
  sparsity > 0 && speedup < 1 ? '  loses to dense' : '';

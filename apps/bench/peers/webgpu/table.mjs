// What race.mjs measured, as Markdown.

/** Milliseconds and our ratio to each peer. A result that differs from ours by more than this is marked. */
const ALLOWED = 1e-3;

/** @param {{ where: string, adapter: string, rows: readonly object[] }} result */
export function markdown({ where, adapter, rows }) {
  const lines = rows.map(({ what, peer, best, median, gflops, difference }) => {
    const ours = rows.find((row) => row.what === what && row.peer === 'ours');
    const ratio = ours && peer !== 'ours' ? `${(median / ours.median).toFixed(2)}x` : '';
    const wrong = difference <= ALLOWED ? '' : ` (result differs by ${difference.toExponential(1)})`;
    const time = `${(1000 * median).toFixed(2)} (${(1000 * best).toFixed(2)})`;
    return `| ${what} | ${peer}${wrong} | ${time} | ${gflops.toFixed(1)} | ${ratio} |`;
  });
  return [
    `${where}, ${adapter}; median (best) of rounds in turns`,
    '',
    '| what | library | ms | GFLOP/s | ours is faster by |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

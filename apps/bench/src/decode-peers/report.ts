/** Tables of measurements, and how ours stands to the bars: our medians against the best of the peers over thread counts. */
import { OURS } from './engines.ts';
import type { Measurement } from './measurement.ts';
import type { PeerShapeName } from './shapes.ts';

interface Bar {
  readonly what: string;
  readonly shape: PeerShapeName;
  readonly threads: number;
  readonly place: Measurement['place'];
  readonly peers: readonly string[];
  readonly quantity: 'decode' | 'prefill';
  readonly sparsity: number;
  /** Ours over the peer's. */
  readonly bar: number;
  readonly stretch: number;
}

const LARGE = { shape: '2B4T', place: 'Node', peers: ['node-llama-cpp'], quantity: 'decode' } as const;
const SMALL = { shape: '214M', place: 'Node' } as const;

const BARS: readonly Bar[] = [
  { ...LARGE, what: '2B4T decode, dense', threads: 2, sparsity: 0, bar: 0.95, stretch: 1.1 },
  { ...LARGE, what: '2B4T decode, 50 %', threads: 2, sparsity: 0.5, bar: 1.05, stretch: 1.2 },
  { ...LARGE, what: '2B4T decode, 61 %', threads: 2, sparsity: 0.61, bar: 1.3, stretch: 1.5 },
  { ...LARGE, what: '2B4T decode, 75 %', threads: 2, sparsity: 0.75, bar: 1.9, stretch: 2.2 },
  { ...LARGE, what: '2B4T decode, 61 %', threads: 1, sparsity: 0.61, bar: 1, stretch: 1.2 },
  {
    ...{ ...SMALL, what: '214M decode, 61 %', threads: 2, quantity: 'decode', sparsity: 0.61 },
    ...{ peers: ['node-llama-cpp', 'onnxruntime-node'], bar: 1.3, stretch: 1.5 },
  },
  {
    ...{ ...SMALL, what: '214M prefill', threads: 1, quantity: 'prefill', sparsity: 0 },
    ...{ peers: ['node-llama-cpp'], bar: 1.05, stretch: 1.2 },
  },
  {
    ...{ ...SMALL, what: '214M prefill', threads: 2, quantity: 'prefill', sparsity: 0 },
    ...{ peers: ['node-llama-cpp'], bar: 1.1, stretch: 1.2 },
  },
  {
    ...{
      what: '214M decode in Chromium, 61 %',
      shape: '214M',
      threads: 2,
      place: 'Chromium',
      quantity: 'decode',
    },
    ...{ sparsity: 0.61, peers: ['wllama', 'onnxruntime-web'], bar: 10, stretch: 15 },
  },
];

/** Megabytes of our process. */
const MEMORY_BARS: Readonly<Record<string, readonly [bar: number, stretch: number]>> = {
  '214M': [180, 150],
  '2B4T': [1100, 750],
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** Markdown. */
export function decodeReport(measurements: readonly Measurement[], machine: string): string {
  const rows = measurements.map((one) => [
    one.shape,
    `${one.engine} ${one.version}, ${one.place}`,
    one.sparsity > 0 ? `${one.weights}, ${percent(one.sparsity)} left out` : one.weights,
    String(one.threads),
    rateCell(one.decode),
    one.prefill ? rateCell(one.prefill) : '-',
    one.peakMegabytes === undefined ? '-' : one.peakMegabytes.toFixed(0),
  ]);
  const head = ['shape', 'engine', 'weights', 'threads', 'decode', 'prefill', 'peak MB'];
  return [
    `${machine}; tokens a second, best (median)`,
    table(head, rows),
    table(
      ['ours against the best peer', 'threads', 'ours', 'peer', 'ratio', 'bar', 'stretch'],
      barRows(measurements),
    ),
  ].join('\n\n');
}

function barRows(measurements: readonly Measurement[]): readonly (readonly string[])[] {
  const ratios = BARS.flatMap((bar) => {
    const ours = measurements.find((one) => one.engine === OURS && isAt(one, bar) && sameSparsity(one, bar));
    const own = ours?.[bar.quantity]?.median;
    const [peer] = measurements
      .filter((one) => bar.peers.includes(one.engine) && isComparable(one, bar) && one[bar.quantity])
      .sort((a, b) => b[bar.quantity]!.best - a[bar.quantity]!.best);
    if (own === undefined || !peer) return [];
    const theirs = peer[bar.quantity]!.best;
    const ratio = own / theirs;
    return [
      [
        bar.what,
        String(bar.threads),
        own.toFixed(1),
        `${theirs.toFixed(1)} (${peer.engine} ${peer.weights}, ${peer.threads} threads)`,
        judged(`${ratio.toFixed(2)}x`, ratio >= bar.bar),
        `${bar.bar}x`,
        `${bar.stretch}x`,
      ],
    ];
  });
  const memory = Object.entries(MEMORY_BARS).flatMap(([shape, [bar, stretch]]) => {
    const own = measurements.filter(
      (one) => one.engine === OURS && one.shape === shape && one.place === 'Node',
    );
    const peak = Math.max(...own.map(({ peakMegabytes = Number.NaN }) => peakMegabytes));
    if (!Number.isFinite(peak)) return [];
    const peer = measurements.find(
      (one) => one.engine === 'node-llama-cpp' && one.shape === shape && one.peakMegabytes !== undefined,
    );
    const theirs =
      peer?.peakMegabytes === undefined ? '-' : `${peer.peakMegabytes.toFixed(0)} MB (${peer.engine})`;
    const verdict = judged(`${peak.toFixed(0)} MB`, peak <= bar);
    return [
      [`${shape} peak memory`, '2', `${peak.toFixed(0)} MB`, theirs, verdict, `${bar} MB`, `${stretch} MB`],
    ];
  });
  return [...ratios, ...memory];
}

/** Decoding is compared with the best over thread counts; prompts thread for thread, and one thread with one. */
function isComparable(peer: Measurement, bar: Bar): boolean {
  if (peer.shape !== bar.shape || peer.place !== bar.place) return false;
  return bar.quantity === 'prefill' || bar.threads === 1 ? peer.threads === bar.threads : true;
}

const isAt = (one: Measurement, { shape, threads, place }: Bar): boolean =>
  one.shape === shape && one.threads === threads && one.place === place;
const sameSparsity = (one: Measurement, { sparsity }: Bar): boolean =>
  Math.abs(one.sparsity - sparsity) < 0.005;

const judged = (shown: string, isMet: boolean): string => (isMet ? shown : `**missed**: ${shown}`);
const rateCell = ({ best, median }: { readonly best: number; readonly median: number }): string =>
  `${best.toFixed(1)} (${median.toFixed(1)})`;
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

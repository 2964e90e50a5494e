/** The tables of docs/performance.md, from the measured numbers. */
import type { DecoderStep } from './decoder-step.ts';
import type { ProductRow, RegionRow } from './gemm.ts';
import { MLP_STEP_FLOPS } from './mlp-step.ts';
import type { PeerResult } from './peers.ts';

export interface BenchResult {
  readonly date: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly simd?: string;
  readonly products?: readonly ProductRow[];
  readonly regions?: readonly RegionRow[];
  readonly mlp?: readonly { readonly threads: number; readonly best: number; readonly median: number }[];
  readonly peers?: readonly PeerResult[];
  readonly steps?: readonly DecoderStep[];
}

const fixed = (value: number, digits = 1): string => value.toFixed(digits);
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** Markdown, one table a question. */
export function summary(result: BenchResult): string {
  const parts = [
    `${result.date}, ${result.processor}, ${result.cores} cores, Node ${result.node}${result.simd ? `, ${result.simd} SIMD` : ''}; best (median)`,
  ];
  if (result.products) parts.push(productTable(result));
  if (result.regions) {
    parts.push(
      table(
        ['threads', 'hot parallel region, us'],
        result.regions.map(({ threads, hotMicroseconds: [best, median] }) => [
          String(threads),
          `${fixed(best, 2)} (${fixed(median, 2)})`,
        ]),
      ),
    );
  }
  if (result.mlp || result.peers) parts.push(mlpTable(result));
  for (const step of result.steps ?? []) parts.push(stepTable(step, result.products));
  return parts.join('\n\n');
}

function productTable({ products = [], peers = [] }: BenchResult): string {
  const rows = products.map(({ threads, size, form, gflops: [best, median] }) => {
    const ratios = peers.map(({ products: times }) => {
      const time = times[size];
      const peer = time ? (2 * size ** 3) / time.best / 1e9 : Number.NaN;
      return `${fixed(best / peer, 2)}x of ${fixed(peer)}`;
    });
    return [form, String(size), String(threads), `${fixed(best)} (${fixed(median)})`, ...ratios];
  });
  return table(
    [
      'product',
      'n',
      'threads',
      'GFLOP/s',
      ...peers.map(({ peer, threads, version }) => `${peer} ${version}, ${threads} threads`),
    ],
    rows,
  );
}

function mlpTable({ mlp = [], peers = [] }: BenchResult): string {
  const rows = mlp.map(({ threads, best, median }) => [
    'ours',
    String(threads),
    `${fixed(best)} (${fixed(median)})`,
  ]);
  for (const { peer, version, threads, mlp: timing } of peers) {
    if (timing)
      rows.push([
        `${peer} ${version}`,
        String(threads),
        `${fixed(MLP_STEP_FLOPS / timing.best / 1e9)} (${fixed(MLP_STEP_FLOPS / timing.median / 1e9)})`,
      ]);
  }
  return table(['MLP training step 512-2048-512, batch 256', 'threads', 'GFLOP/s'], rows);
}

function stepTable(step: DecoderStep, products: readonly ProductRow[] = []): string {
  const rates = products.filter(({ threads }) => threads === step.threads).map(({ gflops }) => gflops[1]);
  const gemm = rates.reduce((sum, rate) => sum + rate, 0) / (rates.length || 1);
  const head = `${step.name}, ${step.threads} threads: ${fixed(step.median * 1e3)} ms a step of ${step.tokens} tokens, ${Math.round(step.tokensPerSecond).toLocaleString('en')} tokens/s, ${fixed(step.gflops)} GFLOP/s (6·N·T, N ${fixed(step.parameters / 1e6, 2)} M)${rates.length > 0 ? `, ${fixed((100 * step.gflops) / gemm)} % of the GEMM rate` : ''}`;
  const rows = step.kernels
    .slice(0, 12)
    .map(({ kernel, share, milliseconds, launches }) => [
      kernel,
      `${fixed(100 * share)} %`,
      fixed(milliseconds, 2),
      String(launches),
    ]);
  return `${head}\n\n${table(['kernel', 'share', 'ms', 'launches'], rows)}`;
}

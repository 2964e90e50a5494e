/** Each measurement in a process of its own: a peer's in the folder that it is installed in, ours with what was built. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPeer } from '../peers.ts';
import { type DecodeEngine, OURS } from './engines.ts';
import type { Measurement, Rate } from './measurement.ts';
import type { PeerShapeName } from './shapes.ts';

const PROMPT = 256;
/** Shares of inputs that ours leaves out. */
const SPARSITIES = [0, 0.5, 0.61, 0.75];
const OUR_TOKENS = 64;
const WEIGHTS = 'ternary, int8 head';
/** Of the process whose memory is measured. */
const MEMORY_SPARSITY = 0.61;
const SHORT = 12;

const peers = fileURLToPath(new URL('../../peers', import.meta.url));
const cli = fileURLToPath(new URL('../../../cli', import.meta.url));

/** What a peer's program prints. */
interface Printed {
  readonly prefill: Rate;
  readonly decode: Rate;
  readonly peakMegabytes?: number;
}

export function runEngine(
  engine: DecodeEngine,
  {
    model,
    shape,
    threads,
  }: { readonly model: string; readonly shape: PeerShapeName; readonly threads: number },
): Measurement {
  const [file, ...first] = engine.program;
  // Larger models take longer, and vary less.
  const turns = shape === '2B4T' ? Math.ceil(engine.turns / 2) : engine.turns;
  const numbers = [threads, PROMPT, engine.tokens, turns].map(String);
  const folder = folderOf(engine);
  const { prefill, decode, peakMegabytes } = lastLine<Printed>(folder, [
    join(peers, file),
    ...first,
    model,
    ...numbers,
  ]);
  return {
    ...{ engine: engine.name, version: Object.values(engine.packages)[0]!, place: engine.place, shape },
    ...{ weights: engine.weights, threads, sparsity: 0, decode, prefill, peakMegabytes, date: now() },
  };
}

/** A command line's own dependency is not installed twice. */
function folderOf({ packages, name }: DecodeEngine): string {
  if (existsSync(join(cli, 'node_modules', name))) return cli;
  return installPeer(name.replaceAll('/', '-'), packages);
}

/** Of one line that `qsparse bench decode --json` prints, what is needed here. */
interface Decoded {
  readonly rows: readonly {
    readonly form: string;
    readonly sparsity: number;
    readonly tokensPerSecond: number;
    readonly tokensPerSecondBest: number;
  }[];
  readonly prefill?: Rate;
  readonly peakMegabytes?: number | undefined;
}

/**
 * Ours in Node, every sparsity in one process. Memory is that of another one, with one sparsity, one prompt and one text, as
 * the peers' is.
 */
export function runOurs(shape: PeerShapeName, threads: number): readonly Measurement[] {
  const run = (sparsities: readonly number[], tokens: number): Decoded =>
    lastLine<Decoded>(cli, [
      ...[join(cli, 'dist/main.js'), 'bench', 'decode', '--device', 'cpu', '--json'],
      // In int8, as the peers' files have it.
      ...['--shapes', shape, '--weights', 'ternary', '--vocabulary', 'int8', '--threads', String(threads)],
      ...['--sparsities', sparsities.join(','), '--tokens', String(tokens), '--prefill', String(PROMPT)],
    ]);
  const { peakMegabytes } = run([MEMORY_SPARSITY], SHORT);
  return measurementsOf({ ...run(SPARSITIES, OUR_TOKENS), peakMegabytes }, { place: 'Node', shape, threads });
}

/** Ours in a page. */
export function runOursInChromium(shape: PeerShapeName, threads: number): readonly Measurement[] {
  const numbers = [threads, PROMPT, OUR_TOKENS, 1].map(String);
  const program = [
    join(peers, 'chromium-decode.mjs'),
    'qsparse',
    `${shape}:${SPARSITIES.join(',')}`,
    ...numbers,
  ];
  return measurementsOf(lastLine<Decoded>(cli, program), { place: 'Chromium', shape, threads });
}

function measurementsOf(
  { rows, prefill, peakMegabytes }: Decoded,
  where: Pick<Measurement, 'place' | 'shape' | 'threads'>,
): readonly Measurement[] {
  const { version } = JSON.parse(readFileSync(join(cli, 'package.json'), 'utf8')) as { version: string };
  return rows
    .filter(({ form }) => form === 'packed')
    .map(({ sparsity, tokensPerSecond: median, tokensPerSecondBest: best }) => ({
      ...{ engine: OURS, version, ...where, weights: WEIGHTS, sparsity, decode: { best, median } },
      ...{ prefill, peakMegabytes, date: now() },
    }));
}

function lastLine<T>(folder: string, program: readonly string[]): T {
  const output = execFileSync(process.execPath, program, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output.trim().split('\n').at(-1)!) as T;
}

const now = (): string => new Date().toISOString().slice(0, 16).replace('T', ' ');

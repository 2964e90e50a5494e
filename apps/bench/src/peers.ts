/**
 * The libraries we are compared with, each installed from the registry into a folder of its own under
 * node_modules/.cache (they conflict in one tree) and run in a process of its own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PeerTiming {
  readonly best: number;
  readonly median: number;
}

export interface PeerResult {
  readonly peer: string;
  readonly version: string;
  readonly threads: number;
  /** Seconds of an n x n x n product. */
  readonly products: Readonly<Record<string, PeerTiming>>;
  readonly mlp?: PeerTiming;
}

interface Peer {
  readonly script: string;
  readonly packages: Readonly<Record<string, string>>;
  readonly arguments: readonly string[];
}

export const PEERS: Readonly<Record<string, Peer>> = {
  'jax-js': { script: 'jax-js.mjs', packages: { '@jax-js/jax': '0.1.25' }, arguments: [] },
  'tfjs-wasm': {
    script: 'tfjs-wasm.mjs',
    packages: { '@tensorflow/tfjs': '4.22.0', '@tensorflow/tfjs-backend-wasm': '4.22.0' },
    arguments: [],
  },
  'onnxruntime-node 1': {
    script: 'onnxruntime-node.mjs',
    packages: { 'onnxruntime-node': '1.30.0' },
    arguments: ['1'],
  },
  'onnxruntime-node 2': {
    script: 'onnxruntime-node.mjs',
    packages: { 'onnxruntime-node': '1.30.0' },
    arguments: ['2'],
  },
};

const scripts = fileURLToPath(new URL('../peers', import.meta.url));
const cache = fileURLToPath(new URL('../../../node_modules/.cache/peers', import.meta.url));

/** The folder that packages are installed in, once. Throws where they cannot be. */
export function installPeer(name: string, packages: Readonly<Record<string, string>>): string {
  const folder = join(cache, name);
  if (existsSync(join(folder, 'node_modules'))) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));
  // No install scripts: the peers' own binaries come inside their packages.
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
    cwd: folder,
    stdio: 'inherit',
  });
  return folder;
}

/** Installs what is missing, then runs one peer. Throws where it cannot be installed or run. */
export function runPeer(name: string): PeerResult {
  const { script, packages, arguments: args } = PEERS[name]!;
  const folder = installPeer(script.replace('.mjs', ''), packages);
  const output = execFileSync(process.execPath, [join(scripts, script), ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const result = JSON.parse(output.trim().split('\n').at(-1)!) as Omit<PeerResult, 'version'>;
  return { ...result, version: Object.values(packages)[0]! };
}

// Child processes that use the package and are killed, limited or without rights. They run the Node entry as one
// bundle made from the sources, since Node 20 does not run TypeScript.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./child-script.mjs', import.meta.url));

/** Bundles the Node entry; to be called once in a test file. Returns the bundle's path, readable by every user. */
export async function bundleNodeEntry(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'formats-bundle-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  await build({
    configFile: false,
    logLevel: 'silent',
    root: fileURLToPath(new URL('../..', import.meta.url)),
    build: {
      ssr: 'src/node/index.ts',
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'node.mjs' } },
    },
  });
  return join(folder, 'node.mjs');
}

export interface ChildTask {
  readonly bundle: string;
  /** A task of child-script.mjs. */
  readonly task: 'replace-folder' | 'write-file' | 'replace-forever' | 'fail-everywhere' | 'try-write';
  readonly target: string;
  /** Kill the process just before its n-th call of the file system, counted from 1. */
  readonly killAt?: number;
  /** Run as an ordinary user even when the tests run as root, for whom rights do not count. */
  readonly withoutRights?: boolean;
  /** The largest file that the process may write, in blocks of the shell's `ulimit -f`. */
  readonly fileBlocks?: number;
}

export function startChild(options: ChildTask): ChildProcess {
  const { bundle, task, target, killAt = 0, withoutRights, fileBlocks } = options;
  const args = [process.execPath, SCRIPT, bundle, task, target, String(killAt)];
  const limit = fileBlocks === undefined ? '' : `ulimit -f ${fileBlocks}; `;
  const isRoot = process.getuid?.() === 0;
  return spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(withoutRights === true && isRoot ? { uid: 65534, gid: 65534 } : {}),
  });
}

export interface ChildResult {
  readonly output: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Collects the child's output until it ends. */
export async function finished(child: ChildProcess): Promise<ChildResult> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ output, code, signal }));
  });
}

// Makes a fresh clone ready: installs what the lockfile says and builds what is stale. Needs Node and npm only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
export const cache = join(root, 'node_modules/.cache/qsparse');
/** A tool of the workspace, relative to the root, for `run` and `must`. */
export const tool = (name) => join('node_modules', '.bin', name);

/** What `tsc -b` is given; their references cover every package. */
export const PROJECTS = ['apps/cli', 'apps/bench', 'packages/conformance'];

/** Environment of every program that is started from here. */
export const environment = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };

/**
 * Runs a program in the root folder and shows what it prints.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 * @returns {number} exit code
 */
export function run(command, args, env = {}) {
  const shell = process.platform === 'win32' && command !== process.execPath;
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...environment, ...env },
    shell,
  });
  if (error) console.error(`[setup] ${command} did not start: ${error.message}`);
  return status ?? 1;
}

/**
 * Runs a program and ends this process with its exit code where it fails.
 * @param {string} command
 * @param {readonly string[]} args
 */
export function must(command, args) {
  const status = run(command, args);
  if (status !== 0) process.exit(status);
}

/** pnpm of exactly the pinned version: the one on the PATH, else by npx. */
export function pnpm() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version = /^pnpm@([\d.]+)/.exec(packageManager)[1];
  const found = spawnSync('pnpm', ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
  return found.stdout?.trim() === version ? ['pnpm'] : ['npx', '--yes', `pnpm@${version}`];
}

/** Packages as the lockfile says, unless they are there already. */
export function install() {
  requireNode();
  const stamp = join(cache, 'installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
  if (readIfThere(stamp) === wanted) return;
  console.error('[setup] installing packages');
  const [command, ...args] = pnpm();
  must(command, [...args, 'install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Compiles every package and app whose sources changed. */
export function build() {
  must(tool('tsc'), ['-b', ...PROJECTS]);
}

/**
 * Runs the command line of the working tree in this process, so that Ctrl-C reaches it and nothing else.
 * @param {readonly string[]} args
 */
export async function qsparse(args) {
  install();
  build();
  const byPnpm = process.env.npm_config_user_agent?.startsWith('pnpm/');
  process.env.QSPARSE_COMMAND ??= byPnpm ? 'pnpm qsparse' : 'npm run qsparse --';
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...args);
  await import('../apps/cli/dist/main.js');
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `[setup] Node 20.19 or newer is required, this is ${process.versions.node}; install a newer Node`,
  );
  process.exit(1);
}
